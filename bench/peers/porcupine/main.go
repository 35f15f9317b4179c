// Porcupine on a history of the project's JSON lines, to compare with: reads, checks, says.
//
//	porcupine MODEL TIMEOUT FILE...
//
// MODEL is register, cas-register, kv, queue or mutex; TIMEOUT is as "60s".  One line a file:
// verdict, seconds of loading, seconds of checking.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/anishathalye/porcupine"
)

type line struct {
	Process int             `json:"process"`
	Type    string          `json:"type"`
	F       string          `json:"f"`
	Key     any             `json:"key"`
	Value   json.RawMessage `json:"value"`
}

type call struct {
	f        string
	key      string
	from, to int
}

type answer struct {
	value int
	known bool
	ok    bool
}

const null = -1

func number(raw json.RawMessage) int {
	var n *int
	if json.Unmarshal(raw, &n) != nil || n == nil {
		return null
	}
	return *n
}

func step(state, input, output any) (bool, any) {
	s, in, out := state.(int), input.(call), output.(answer)
	switch in.f {
	case "read", "get":
		return !out.known || out.value == s, s
	case "write", "put":
		return true, in.to
	case "acquire":
		return s == null, 1
	case "release":
		return s == 1, null
	}
	if s == in.from {
		return out.ok || !out.known, in.to
	}
	return !out.ok || !out.known, s
}

func register() porcupine.Model {
	return porcupine.Model{Init: func() any { return null }, Step: step}
}

func queue() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return "" },
		Step: func(state, input, output any) (bool, any) {
			s, in, out := state.(string), input.(call), output.(answer)
			if in.f == "enqueue" {
				return true, s + fmt.Sprintf("%d,", in.to)
			}
			if s == "" {
				return out.value == null, s
			}
			head := fmt.Sprintf("%d,", out.value)
			return len(s) >= len(head) && s[:len(head)] == head, s[min(len(head), len(s)):]
		},
	}
}

func byKey(history []porcupine.Event) [][]porcupine.Event {
	parts, order, key := map[string][]porcupine.Event{}, []string{}, map[int]string{}
	for _, e := range history {
		if e.Kind == porcupine.CallEvent {
			key[e.Id] = e.Value.(call).key
		}
		k := key[e.Id]
		if _, known := parts[k]; !known {
			order = append(order, k)
		}
		parts[k] = append(parts[k], e)
	}
	all := make([][]porcupine.Event, 0, len(order))
	for _, k := range order {
		all = append(all, parts[k])
	}
	return all
}

// without drops an operation that never happened.
func without(events []porcupine.Event, id int) []porcupine.Event {
	for i := len(events) - 1; i >= 0; i-- {
		if events[i].Id == id {
			return append(events[:i], events[i+1:]...)
		}
	}
	return events
}

func load(path string) []porcupine.Event {
	file, err := os.Open(path)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	var events []porcupine.Event
	pending, last, id := map[int]int{}, map[int]call{}, 0
	scanner := bufio.NewScanner(file)
	scanner.Buffer(make([]byte, 1<<20), 1<<24)
	for scanner.Scan() {
		var l line
		if err := json.Unmarshal(scanner.Bytes(), &l); err != nil {
			panic(err)
		}
		if l.Type == "invoke" {
			c := call{f: l.F, key: fmt.Sprint(l.Key)}
			var pair [2]int
			if l.F == "cas" && json.Unmarshal(l.Value, &pair) == nil {
				c.from, c.to = pair[0], pair[1]
			} else {
				c.to = number(l.Value)
			}
			events = append(events, porcupine.Event{
				ClientId: l.Process, Kind: porcupine.CallEvent, Value: c, Id: id})
			pending[l.Process], last[l.Process] = id, c
			id++
			continue
		}
		if l.Type == "info" {
			continue
		}
		if l.Type == "fail" && l.F != "cas" {
			events = without(events, pending[l.Process])
			delete(pending, l.Process)
			continue
		}
		a := answer{value: number(l.Value), known: true, ok: l.Type == "ok"}
		events = append(events, porcupine.Event{
			ClientId: l.Process, Kind: porcupine.ReturnEvent, Value: a, Id: pending[l.Process]})
		delete(pending, l.Process)
	}
	for process, one := range pending {
		events = append(events, porcupine.Event{
			ClientId: process, Kind: porcupine.ReturnEvent, Value: answer{}, Id: one})
	}
	return events
}

func main() {
	timeout, err := time.ParseDuration(os.Args[2])
	if err != nil {
		panic(err)
	}
	model := register()
	switch os.Args[1] {
	case "kv":
		model.PartitionEvent = byKey
	case "queue":
		model = queue()
	}
	for _, path := range os.Args[3:] {
		begun := time.Now()
		events := load(path)
		loaded := time.Now()
		verdict := porcupine.CheckEventsTimeout(model, events, timeout)
		fmt.Printf("%s %.4f %.4f\n", verdict, loaded.Sub(begun).Seconds(),
			time.Since(loaded).Seconds())
	}
}
