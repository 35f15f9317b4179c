// The pictures of one history.  What is drawn was chosen, ordered and placed before
// (checker/history/pictures); here it is shown, searched and walked through.
//
// Rules of this file:
//   - Values come from files of strangers.  They reach the page as text nodes and attributes that
//     hold text, and in no other way: no innerHTML, no eval, no address is made of them.
//   - Whatever the pointer can do, the keyboard can; whatever a picture says, a label says.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const text = (index) => data.texts[index];
  const find = (id) => document.getElementById(id);
  const say = (words) => { find("said").textContent = words; };
  const count = (number) => number.toLocaleString("en-US");

  // An operation, and how it stands in a view: lists that are named here.
  const OP = ["row", "process", "f", "key", "argument", "told", "kind", "begun", "ended", "label", "reads", "witness"];
  const MARK = ["op", "lane", "begin", "end", "point", "place", "before", "after", "pending"];
  const KINDS = ["ok", "open", "failed", "refused", "ignored"];
  const MEANS = {
    ok: "answered",
    open: "open: nobody knows whether and when it was done",
    failed: "failed: it never happened",
    refused: "refused: it changed nothing",
    ignored: "it says nothing, and does not count",
  };
  const PENDING = "its answer came after the end of the order, which says nothing of it";
  const named = (names, list) => Object.fromEntries(names.map((name, at) => [name, list[at]]));
  const operations = data.operations.map((list) => {
    const one = named(OP, list);
    for (const name of ["process", "f", "key", "argument", "told", "label"]) one[name] = text(one[name]);
    one.kind = KINDS[one.kind];
    return one;
  });

  // ------------------------------------------------------------------ making elements

  const SVG = "http://www.w3.org/2000/svg";

  function filled(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }
  const svg = (name, attributes = {}, ...children) => filled(document.createElementNS(SVG, name), attributes, children);
  const html = (name, attributes = {}, ...children) => filled(document.createElement(name), attributes, children);

  // ------------------------------------------------------------------ time lines

  const ROW = 54, HEAD = 26, TOP = 22, CHAR = 7.3;
  let figures = [];
  let selected = null;

  class Figure {
    constructor(host, name) {
      this.host = host;
      this.name = name;
      this.zoom = 1;
      this.names = html("div", { class: "names" });
      this.picture = svg("svg", { role: "application", "aria-roledescription": "time lines" });
      this.scroll = html("div", { class: "scroll" }, this.names, this.picture);
      host.replaceChildren(this.scroll);
      this.picture.addEventListener("keydown", (event) => this.key(event));
      // Not of the picture: Chromium would give that the focus, too.
      this.scroll.addEventListener("focusin", (event) => this.attend(event.target));
      this.scroll.addEventListener("focusout", hideTip);
      this.picture.addEventListener("pointerover", (event) => this.point(event.target));
      this.picture.addEventListener("pointerleave", hideTip);
      this.picture.addEventListener("click", (event) => this.click(event.target));
      this.scroll.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
      this.scroll.addEventListener("scroll", hideTip);
      this.pan();
    }

    show(view) {
      this.view = view;
      this.marks = view.marks;
      this.lanes = view.lanes.map(() => []);
      this.marks.forEach((mark, at) => { mark.at = at; this.lanes[mark.lane].push(mark); });
      this.ordered = this.marks.filter((mark) => mark.place).sort((a, b) => a.group - b.group || a.place - b.place);
      this.ordered.forEach((mark, at) => { mark.step = at; });
      this.current = this.marks.find((mark) => this.isStuck(mark)) || this.marks[0];
      this.heights();
      this.drawNames();
      this.drawPicture();
      this.place();
    }

    heights() {
      // Objects have a heading if there are several.
      let y = TOP, group = -1;
      this.tops = [];
      this.heads = [];
      for (const [, its] of this.view.lanes) {
        if (its !== group) {
          group = its;
          this.heads[group] = y;
          if (this.view.groups.length > 1) y += HEAD;
        }
        this.tops.push(y);
        y += ROW;
      }
      this.height = y + 6;
    }

    drawNames() {
      this.names.replaceChildren();
      this.names.setAttribute("aria-hidden", "true"); // each operation says its process
      const put = (words, y, kind) => {
        const line = html("div", { class: kind, title: words }, words);
        line.style.top = `${y}px`;
        this.names.append(line);
      };
      put("process", 1, "head");
      if (this.view.groups.length > 1) {
        this.view.groups.forEach((group, at) => put(group.key || "no key", this.heads[at] + 3, "object"));
      }
      let widest = 0;
      this.view.lanes.forEach(([process], lane) => {
        put(text(process), this.tops[lane] + 17, "process");
        widest = Math.max(widest, text(process).length);
      });
      this.names.style.width = `${Math.min(Math.max(78, 34 + widest * 8), 170)}px`;
      this.names.style.height = `${this.height}px`;
    }

    drawPicture() {
      const processes = new Set(this.view.lanes.map(([process]) => process)).size;
      this.picture.setAttribute(
        "aria-label",
        `${this.name}${this.view.name ? ` of ${this.view.name}` : ""}: ${count(this.marks.length)} operations of ` +
          `${processes} processes. Arrow keys move between operations, Enter opens details.`,
      );
      const stripes = this.tops.map((y) => svg("rect", { class: "lane", x: 0, y: y + 22, width: "100%", height: 12 }));
      this.threads = this.view.groups.map(() => [svg("path", { class: "thread" }), svg("path", { class: "thread far" })]);
      this.breaks = this.view.breaks.map(([, skipped]) => [
        svg("rect", { class: "break", y: 0, height: this.height }),
        svg("text", { class: "break-words", y: 15 }, skipped < 20 ? `+${skipped}` : `${count(skipped)} more`),
      ]);
      this.ends = this.view.groups.map((group, at) => group.until === null ? null : [
        svg("line", { class: "end", y1: this.heads[at] - 2, y2: this.lowest(at) }),
        svg("text", { class: "end-words", y: 15 }, "the order ends here"),
      ]);
      const hatch = svg("pattern", { id: `hatch`, width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
        svg("line", { class: "hatch", x1: 0, y1: 0, x2: 0, y2: 7 }));
      this.marks.forEach((mark) => { mark.drawn = this.drawMark(mark); });
      this.picture.replaceChildren(
        svg("defs", {}, hatch),
        ...stripes,
        ...this.breaks.flat(),
        ...this.ends.filter(Boolean).flat(),
        ...this.marks.map((mark) => mark.drawn.back).filter(Boolean),
        ...this.threads.flat(),
        ...this.marks.map((mark) => mark.drawn.all),
      );
      this.picture.setAttribute("height", this.height);
    }

    lowest(group) {
      const last = this.view.lanes.findLastIndex(([, its]) => its === group);
      return this.tops[last] + ROW - 4;
    }

    isStuck(mark) {
      return this.view.groups[mark.group].failed === mark.op;
    }

    drawMark(mark) {
      const one = operations[mark.op], y = this.tops[mark.lane], stuck = this.isStuck(mark);
      const kinds = ["op", one.kind, one.reads ? "read" : "change"];
      if (one.witness) kinds.push("witness");
      if (stuck) kinds.push("stuck");
      const all = svg("g", { class: kinds.join(" "), role: "button", tabindex: mark === this.current ? 0 : -1, "aria-label": this.words(mark) });
      all.mark = mark;
      const drawn = {
        all,
        hit: svg("rect", { class: "hit", y: y + 1, height: ROW - 3, rx: 5 }),
        bar: svg("path", { class: "bar" }),
        label: svg("text", { class: "label", y: y + 15 }, ""),
      };
      if (one.witness) drawn.back = svg("rect", { class: "back", y: y + 1, height: ROW - 3, rx: 5 });
      all.append(drawn.hit, drawn.bar, drawn.label);
      if (mark.place) {
        drawn.point = svg("circle", { class: "point", cy: y + 28, r: 5 });
        drawn.place = svg("text", { class: "place", y: y + 47 }, String(mark.place));
        all.append(drawn.point, drawn.place);
      } else if (stuck) {
        drawn.place = svg("text", { class: "cross", y: y + 48 }, "✗ no place");
        all.append(drawn.place);
      }
      return drawn;
    }

    words(mark) {
      const one = operations[mark.op];
      const said = [`process ${one.process}`, one.label];
      if (one.key) said.push(`key ${one.key}`);
      if (one.kind !== "ok") said.push(MEANS[one.kind]);
      if (mark.place) said.push(`step ${count(mark.place)}`, `state after it: ${text(mark.after)}`);
      if (mark.pending) said.push(PENDING);
      if (this.isStuck(mark)) said.push("cannot have been answered so: it has no place in any order");
      if (one.witness) said.push("part of the contradiction");
      return said.join(", ");
    }

    // Everything across, at this zoom.
    place() {
      const z = this.zoom, wide = Math.max(this.view.width * z, 40);
      this.picture.setAttribute("width", wide);
      this.breaks.forEach(([band, words], at) => {
        const [x, skipped] = this.view.breaks[at], half = (skipped < 20 ? 12 : 18) * Math.min(z, 1);
        band.setAttribute("x", x * z - half);
        band.setAttribute("width", 2 * half);
        words.setAttribute("x", x * z);
        words.style.display = z < 0.6 ? "none" : "";
      });
      this.ends.forEach((end, at) => {
        if (!end) return;
        const x = this.view.groups[at].until * z;
        end[0].setAttribute("x1", x);
        end[0].setAttribute("x2", x);
        end[1].setAttribute("x", x + 5);
        if (x + 150 > wide) { end[1].setAttribute("x", x - 5); end[1].setAttribute("text-anchor", "end"); }
      });
      for (const mark of this.marks) this.placeMark(mark, z);
      this.threads.forEach((paths, group) => this.thread(paths, group, z));
    }

    placeMark(mark, z) {
      const { hit, bar, label, point, place } = mark.drawn, one = operations[mark.op];
      const x = mark.begin * z, end = mark.end * z, width = Math.max(end - x, 2), y = this.tops[mark.lane] + 22;
      for (const box of [hit, mark.drawn.back].filter(Boolean)) {
        box.setAttribute("x", x - 3);
        box.setAttribute("width", width + 6);
      }
      const r = Math.min(6, width / 2);
      bar.setAttribute("d", one.kind === "open"
        ? `M${x + r} ${y}H${end - 8}L${end} ${y + 6}L${end - 8} ${y + 12}H${x + r}A${r} 6 0 0 1 ${x + r} ${y}Z`
        : `M${x + r} ${y}H${end - r}A${r} 6 0 0 1 ${end - r} ${y + 12}H${x + r}A${r} 6 0 0 1 ${x + r} ${y}Z`);
      const room = Math.floor((width + 4) / CHAR), full = one.label;
      label.textContent = full.length <= room ? full : room > 4 ? `${full.slice(0, room - 1)}…` : "";
      label.setAttribute("x", x + 3);
      if (point) {
        point.setAttribute("cx", mark.point * z);
        point.setAttribute("r", z < 0.35 ? 2.5 : 5);
      }
      if (place) {
        place.setAttribute("x", mark.place ? mark.point * z : x + 3);
        place.style.display = z < 0.6 ? "none" : "";
      }
    }

    thread([near, far], group, z) {
      const path = ["", ""];
      const steps = this.ordered.filter((mark) => mark.group === group);
      for (let at = 1; at < steps.length; at++) {
        const from = steps[at - 1], to = steps[at];
        path[to.place === from.place + 1 ? 0 : 1] +=
          `M${from.point * z} ${this.tops[from.lane] + 28}L${to.point * z} ${this.tops[to.lane] + 28}`;
      }
      near.setAttribute("d", path[0]);
      far.setAttribute("d", path[1]);
    }

    zoomTo(zoom, around = this.scroll.clientWidth / 2) {
      const before = (this.scroll.scrollLeft + around) / this.zoom;
      this.zoom = Math.min(4, Math.max(this.fitting(), 0.02, zoom));
      this.place();
      this.scroll.scrollTo({ left: before * this.zoom - around, behavior: "instant" });
      say(`zoom ${Math.round(this.zoom * 100)} percent`);
    }

    fitting() {
      const room = this.scroll.clientWidth - this.names.offsetWidth - 4;
      return Math.min(1, room / this.view.width);
    }

    wheel(event) {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const left = this.scroll.getBoundingClientRect().left;
      this.zoomTo(this.zoom * Math.exp(-event.deltaY / 300), event.clientX - left);
    }

    // The pointer drags the picture.
    pan() {
      let from = null;
      this.scroll.addEventListener("pointerdown", (event) => {
        if (event.button === 0 && event.pointerType === "mouse" && !event.target.closest(".op")) {
          from = [event.clientX, this.scroll.scrollLeft, event.clientY, this.scroll.scrollTop];
        }
      });
      window.addEventListener("pointermove", (event) => {
        if (from && event.buttons & 1) {
          this.scroll.scrollTo({ left: from[1] + from[0] - event.clientX, top: from[3] + from[2] - event.clientY, behavior: "instant" });
        }
      });
      window.addEventListener("pointerup", () => { from = null; });
    }

    // ---------------------------------------------------------------- one operation

    click(target) {
      const all = target.closest(".op");
      if (!all) return;
      this.go(all.mark);
      open(this, all.mark);
    }

    point(target) {
      const all = target.closest(".op");
      if (all) showTip(this, all.mark);
      else hideTip();
    }

    attend(target) {
      const all = target.closest(".op");
      if (!all) return;
      this.current.drawn.all.setAttribute("tabindex", -1);
      this.current = all.mark;
      all.setAttribute("tabindex", 0);
      this.reveal(all.mark);
      showTip(this, all.mark);
    }

    reveal(mark) {
      const box = this.scroll, names = this.names.offsetWidth, margin = 60;
      const begin = mark.begin * this.zoom, end = Math.min(mark.end * this.zoom, begin + box.clientWidth - names - 2 * margin);
      if (begin < box.scrollLeft + 4 || end > box.scrollLeft + box.clientWidth - names - 4) {
        const middle = (begin + end) / 2 - (box.clientWidth - names) / 2;
        box.scrollTo({ left: middle, behavior: "instant" });
      }
      const top = this.tops[mark.lane];
      if (top < box.scrollTop || top + ROW > box.scrollTop + box.clientHeight) {
        box.scrollTo({ top: top - box.clientHeight / 2, behavior: "instant" });
      }
    }

    go(mark) {
      mark.drawn.all.focus({ preventScroll: true });
      mark.drawn.all.scrollIntoView({ block: "nearest", inline: "nearest", behavior: "instant" });
      this.reveal(mark);
      showTip(this, mark);
    }

    key(event) {
      const mark = this.current, lane = this.lanes[mark.lane], at = lane.indexOf(mark);
      const moves = {
        ArrowRight: () => lane[at + 1],
        ArrowLeft: () => lane[at - 1],
        ArrowDown: () => this.beside(mark, 1),
        ArrowUp: () => this.beside(mark, -1),
        Home: () => lane[0],
        End: () => lane[lane.length - 1],
        PageDown: () => this.stepped(mark, 1),
        PageUp: () => this.stepped(mark, -1),
      };
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.key in moves) {
        const to = moves[event.key]();
        if (to) this.go(to);
        else say("there is none");
      } else if (event.key === "Enter" || event.key === " ") {
        open(this, mark, true);
      } else if (event.key === "+" || event.key === "=") {
        this.zoomTo(this.zoom * 1.4);
        this.reveal(mark);
      } else if (event.key === "-") {
        this.zoomTo(this.zoom / 1.4);
        this.reveal(mark);
      } else if (event.key === "Escape") {
        hideTip();
        closeDetails();
      } else return;
      event.preventDefault();
    }

    // The operation of another process that is nearest.
    beside(mark, way) {
      const lane = this.lanes[mark.lane + way];
      const middle = (mark.begin + mark.end) / 2;
      const far = (other) => Math.max(other.begin - middle, middle - other.end, 0) * 1e6 + Math.abs((other.begin + other.end) / 2 - middle);
      return lane && lane.reduce((best, other) => (far(other) < far(best) ? other : best));
    }

    stepped(mark, way) {
      if (mark.place) return this.ordered[mark.step + way];
      return way < 0 ? this.ordered.findLast((other) => other.point <= mark.end) : undefined;
    }
  }

  // ------------------------------------------------------------------ what is said of one

  const tip = find("tip");

  function showTip(figure, mark) {
    const one = operations[mark.op];
    const lines = [html("p", { class: "tip-label" }, one.label), html("p", {}, `process ${one.process}, ${where(one)}`)];
    if (one.kind !== "ok") lines.push(html("p", {}, MEANS[one.kind]));
    if (mark.place) {
      lines.push(html("p", {}, `step ${count(mark.place)}`));
      lines.push(html("p", { class: "tip-state" }, `state: ${text(mark.before)} → ${text(mark.after)}`));
    }
    if (mark.pending) lines.push(html("p", {}, PENDING));
    if (figure.isStuck(mark)) lines.push(html("p", {}, "no order has a place for it"));
    tip.replaceChildren(...lines);
    tip.hidden = false;
    const box = mark.drawn.hit.getBoundingClientRect(), view = figure.scroll.getBoundingClientRect();
    const x = Math.min(Math.max(box.left, view.left + figure.names.offsetWidth) + 8, window.innerWidth - tip.offsetWidth - 8);
    const below = box.bottom + 6;
    tip.style.left = `${Math.max(8, x)}px`;
    tip.style.top = `${below + tip.offsetHeight < window.innerHeight ? below : Math.max(4, box.top - tip.offsetHeight - 6)}px`;
  }

  function hideTip() { tip.hidden = true; }

  function where(one) {
    return one.ended ? `lines ${count(one.begun)} to ${count(one.ended)}` : `line ${count(one.begun)}, without an end`;
  }

  function open(figure, mark, move = false) {
    const one = operations[mark.op];
    if (selected) selected.mark.drawn.all.classList.remove("chosen");
    selected = { figure, mark };
    mark.drawn.all.classList.add("chosen");
    hideTip();
    find("details-title").textContent = one.label;
    const rows = [["process", one.process], ["operation", one.f]];
    if (one.key) rows.push(["key", one.key]);
    rows.push(["asked", one.argument], ["told", one.told], ["is", MEANS[one.kind]], ["lines", where(one)]);
    if (mark.place) {
      rows.push(["step", count(mark.place)], ["state before", text(mark.before), "wide"], ["state after", text(mark.after), "wide"]);
      if (mark.pending) rows.push(["answer", PENDING, "wide"]);
    } else if (figure.isStuck(mark)) rows.push(["step", "none: no order has a place for it", "wide"]);
    find("details").querySelector("dl").replaceChildren(
      ...rows.map(([name, words, kind = ""]) => html("div", { class: kind }, html("dt", {}, name), html("dd", {}, words))),
    );
    find("details").hidden = false;
    if (move) find("details").focus({ preventScroll: true });
  }

  function closeDetails() {
    if (!selected) return;
    const { figure, mark } = selected;
    const inside = find("details").contains(document.activeElement);
    mark.drawn.all.classList.remove("chosen");
    selected = null;
    find("details").hidden = true;
    if (inside) figure.go(mark);
  }

  // ------------------------------------------------------------------ views

  function view(raw) {
    const groups = raw.groups.map(([key, total, note, failed, until]) =>
      ({ key: text(key), total, note: text(note), failed, until }));
    const marks = raw.marks.map((list) => named(MARK, list));
    for (const mark of marks) mark.group = raw.lanes[mark.lane][1];
    const name = groups.length > 1 ? "all keys" : groups[0].key && `key ${groups[0].key}`;
    return { ...raw, groups, marks, name };
  }

  const views = data.views.map(view);
  let shown = 0;
  let main = null;

  function choose(at) {
    closeDetails();
    shown = at;
    find("view").value = String(at);
    main.show(views[at]);
    const groups = views[at].groups, several = groups.length > 1;
    const whole = groups.every((group) => group.failed < 0 && group.until === null && views[at].marks.some((mark) => mark.place));
    const notes = several && whole
      ? ["The numbered points are an order for each key, in which its operations can take effect, one at a time, each while it lasts."]
      : groups.map((group) => (several ? `${group.key || "no key"}: ${group.note}` : group.note));
    find("notes").replaceChildren(...notes.map((words) => html("li", {}, words)));
    find("table").open && fillTable();
    paintMatches();
    main.scroll.scrollTo({ left: 0, behavior: "instant" });
    // What matters comes into sight: the last operation of the contradiction, or the end of the order.
    const telling = main.marks.filter((mark) => operations[mark.op].witness);
    const end = Math.max(...groups.map((group) => group.until ?? -1));
    const last = telling[telling.length - 1] || main.marks.findLast((mark) => mark.place && mark.begin < end);
    if (last) main.reveal(last);
  }

  // ------------------------------------------------------------------ search

  let matches = [];
  let matched = new Set();
  let match = -1;

  // A number finds whole numbers, so that 1 does not find 10; a text any part.
  function finder(query) {
    const wanted = query.trim().toLowerCase();
    if (!wanted) return null;
    if (/^-?\d+(\.\d+)?$/.test(wanted)) {
      const escaped = wanted.replace(".", "\\.");
      const whole = new RegExp(`(^|[^\\w.-])${escaped}($|[^\\w.])`);
      return (words) => whole.test(words.toLowerCase());
    }
    return (words) => words.toLowerCase().includes(wanted);
  }

  function search() {
    const key = finder(find("search-key").value), process = finder(find("search-process").value), value = finder(find("search-value").value);
    const isMatch = (one) =>
      (!key || key(one.key)) && (!process || process(one.process)) && (!value || value(`${one.argument} ${one.told}`));
    matches = [];
    matched = new Set();
    match = -1;
    if (key || process || value) {
      views.forEach((its, at) => its.marks.forEach((mark) => {
        if (!matched.has(mark.op) && isMatch(operations[mark.op])) {
          matched.add(mark.op);
          matches.push([at, mark]);
        }
      }));
    }
    paintMatches();
    tell();
  }

  const searching = () => ["search-key", "search-process", "search-value"].some((id) => find(id).value.trim());

  function tell() {
    const words = !searching() ? "" : !matches.length ? "none" : match < 0 ? `${count(matches.length)} found` : `${count(match + 1)} of ${count(matches.length)}`;
    find("count").textContent = words;
    find("next").disabled = find("previous").disabled = !matches.length;
  }

  function paintMatches() {
    const active = searching();
    for (const figure of figures) for (const mark of figure.marks || []) {
      mark.drawn.all.classList.toggle("match", active && matched.has(mark.op));
      mark.drawn.all.classList.toggle("dim", active && !matched.has(mark.op));
    }
  }

  function step(way, keep = null) {
    if (!matches.length) return;
    match = match < 0 && way < 0 ? matches.length - 1 : (match + way + matches.length) % matches.length;
    const [at, mark] = matches[match];
    if (at !== shown) choose(at);
    main.go(mark);
    tell();
    say(`${match + 1} of ${matches.length}: ${main.words(mark)}`);
    if (keep) { keep.focus(); main.reveal(mark); showTip(main, mark); }
  }

  // ------------------------------------------------------------------ the table

  function fillTable() {
    const its = views[shown], several = its.groups.length > 1;
    const head = ["operation", "process", ...(several ? ["key"] : []), "lines", "step", "state after", "is"];
    const rows = its.marks.slice().sort((a, b) => operations[a.op].row - operations[b.op].row).map((mark) => {
      const one = operations[mark.op];
      const go = html("button", { type: "button", "aria-label": `Show ${one.label} of process ${one.process}` }, one.label);
      go.addEventListener("click", () => main.go(mark));
      const cells = [go, one.process, ...(several ? [one.key] : []), one.ended ? `${one.begun}–${one.ended}` : `${one.begun}–`,
        mark.place ? count(mark.place) : main.isStuck(mark) ? "no place" : "", mark.place ? text(mark.after) : "",
        one.kind === "ok" ? (one.witness ? "part of the contradiction" : "") : MEANS[one.kind]];
      return html("tr", one.witness ? { class: "witness" } : {}, ...cells.map((cell) => html("td", {}, cell)));
    });
    find("table").querySelector("table").replaceChildren(
      html("caption", {}, `${count(rows.length)} operations${its.name ? ` of ${its.name}` : ""}`),
      html("thead", {}, html("tr", {}, ...head.map((name) => html("th", { scope: "col" }, name)))),
      html("tbody", {}, ...rows),
    );
  }

  // ------------------------------------------------------------------ the rest of the history

  function drawOverview({ bins, lines, drawn, at, words }) {
    const left = 96, wide = 1000, row = 13, top = 20, height = top + lines.length * row + 22;
    const most = Math.max(1, ...lines.flatMap(([, , counts]) => counts));
    const x = (bin) => left + (bin / bins) * (wide - left - 8);
    const parts = drawn.map(([first, last]) =>
      svg("rect", { class: "drawn", x: x(first), y: top - 4, width: Math.max(2, x(last + 1) - x(first)), height: lines.length * row + 6 }));
    lines.forEach(([name, total, counts], line) => {
      const shades = ["", "", "", "", ""], y = top + line * row;
      counts.forEach((number, bin) => {
        if (number) shades[Math.min(4, Math.floor((5 * number) / (most + 1)))] += `M${x(bin).toFixed(1)} ${y}h${(x(bin + 1) - x(bin)).toFixed(1)}v${row - 3}H${x(bin).toFixed(1)}z`;
      });
      const label = text(name);
      const shownName = label.length > 13 ? `${label.slice(0, 12)}…` : label;
      parts.push(svg("text", { class: "name", x: 8, y: y + 9 }, shownName));
      shades.forEach((path, shade) => { if (path) parts.push(svg("path", { class: "density", d: path, opacity: 0.2 + shade * 0.2 })); });
    });
    for (const bin of at) parts.push(svg("path", { class: "at", d: `M${x(bin + 0.5)} ${top - 5}l-5 -9h10z` }));
    parts.push(svg("text", { class: "words", x: left, y: height - 7 }, words));
    find("overview").replaceChildren(
      svg("svg", { viewBox: `0 0 ${wide} ${height}`, role: "img", "aria-label": `All operations by process, over the history. ${words}` }, ...parts),
    );
    find("whole").hidden = false;
  }

  function legend() {
    const kinds = new Set(operations.map((one) => one.kind));
    const sample = (kind, ...more) => svg("svg", { width: 34, height: 16, "aria-hidden": "true" },
      svg("g", { class: `op ${kind}` }, svg("path", { class: "bar", d: "M7 2H27A6 6 0 0 1 27 14H7A6 6 0 0 1 7 2Z" }), ...more));
    const rows = [["ok change", "changes the object"], ["ok read", "only reads"]];
    if (kinds.has("open")) rows.push(["open change", "open: may have happened"]);
    if (kinds.has("failed")) rows.push(["failed", "failed: never happened"]);
    if (kinds.has("refused")) rows.push(["refused change", "refused"]);
    if (kinds.has("ignored")) rows.push(["ignored", "does not count"]);
    if (data.verdict === "not linearizable" && data.witness) rows.push(["stuck", "no order has a place for it"]);
    const items = rows.map(([kind, words]) => html("li", {}, sample(kind), words));
    items.push(html("li", {}, sample("ok change", svg("circle", { class: "point", cx: 17, cy: 8, r: 5 })), "where it takes effect"));
    find("legend").replaceChildren(...items);
  }

  // ------------------------------------------------------------------ beginning

  const themes = [["", "as the system"], ["light", "light"], ["dark", "dark"]];
  let theme = 0;
  find("theme").addEventListener("click", () => {
    theme = (theme + 1) % themes.length;
    const [name, words] = themes[theme];
    if (name) document.documentElement.dataset.theme = name;
    else delete document.documentElement.dataset.theme;
    find("theme").textContent = `Colours: ${words}`;
  });

  find("help-open").addEventListener("click", () => find("help").showModal());
  find("help-close").addEventListener("click", () => find("help").close());
  find("details-close").addEventListener("click", closeDetails);
  find("details").addEventListener("keydown", (event) => { if (event.key === "Escape") closeDetails(); });
  find("table").addEventListener("toggle", () => { if (find("table").open) fillTable(); });
  find("view").addEventListener("change", () => choose(Number(find("view").value)));
  find("next").addEventListener("click", () => step(1, find("next")));
  find("previous").addEventListener("click", () => step(-1, find("previous")));
  for (const id of ["search-key", "search-process", "search-value"]) {
    find(id).addEventListener("input", search);
    find(id).addEventListener("keydown", (event) => {
      if (event.key === "Enter") { event.preventDefault(); step(event.shiftKey ? -1 : 1, find(id)); }
      if (event.key === "Escape") { hideTip(); find(id).value = ""; search(); }
    });
  }
  document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  find("zoom-in").addEventListener("click", () => main.zoomTo(main.zoom * 1.4));
  find("zoom-out").addEventListener("click", () => main.zoomTo(main.zoom / 1.4));
  find("zoom-one").addEventListener("click", () => main.zoomTo(1));
  find("zoom-fit").addEventListener("click", () => main.zoomTo(main.fitting()));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hideTip();
    const typing = event.target.closest("input, select, textarea, dialog");
    if (typing || event.ctrlKey || event.altKey || event.metaKey || !find("shortcuts").checked) return;
    if (event.key === "/") { event.preventDefault(); find("search-value").focus(); }
    if (event.key === "?") { event.preventDefault(); find("help").showModal(); }
  });

  if (data.witness || data.reason) {
    find("contradiction").hidden = false;
    if (data.verdict !== "not linearizable") find("contradiction-title").textContent = "How far it came";
    find("heading").textContent = data.heading;
    find("reason").textContent = data.reason;
    find("witness").hidden = !data.witness;
  }
  if (data.witness) {
    const figure = new Figure(find("witness"), "The contradiction");
    const its = view(data.witness);
    figures.push(figure);
    figure.show(its);
    if (!figure.ordered.length) find("witness-note").textContent = its.groups[0].note;
  }
  find("left-out").textContent = data.leftOut;
  if (data.overview) drawOverview(data.overview);
  main = new Figure(find("figure"), "Time lines");
  figures.push(main);
  views.forEach((its, at) => {
    const drawn = its.marks.length, total = its.groups.reduce((sum, group) => sum + group.total, 0);
    const size = drawn === total ? count(total) : `${count(drawn)} of ${count(total)}`;
    find("view").append(html("option", { value: at }, `${its.name || "everything"} (${size})`));
  });
  find("view-label").hidden = views.length < 2;
  if (views.length) choose(0);
  else find("figure").hidden = true;
  legend();
  tell();
})();
