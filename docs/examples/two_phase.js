// Two-phase commit in JavaScript, held against the spec `two_phase` by
//
//     quorate conform two_phase --system-command "node docs/examples/two_phase.js"
//
// The first part is an implementation as one would write it: a transaction manager and resource
// managers that handle messages and know nothing of any spec.  The second part is the adapter:
// it holds the messages in flight, does what the checker asks, and says what is there.
// The protocol is described in checker/conform/process.py and docs/conformance.md.

"use strict";

// ------------------------------------------------------------------ the implementation

class TransactionManager {
  constructor(names) {
    this.names = names;
    this.decision = null; // "commit" or "abort"
    this.prepared = new Set();
  }

  // A resource manager says that it is prepared.
  onPrepared(name) {
    if (this.decision === null) this.prepared.add(name);
  }

  canCommit() {
    return this.decision === null && this.prepared.size === this.names.length;
  }

  commit(send) {
    this.decision = "commit";
    send({ kind: "Commit" });
  }

  // It has waited long enough.
  abort(send) {
    this.decision = "abort";
    send({ kind: "Abort" });
  }
}

class ResourceManager {
  constructor(name) {
    this.name = name;
    this.state = "WORKING";
  }

  prepare(send) {
    this.state = "PREPARED";
    send({ kind: "Prepared", rm: this.name });
  }

  giveUp() {
    this.state = "ABORTED";
  }

  onCommit() {
    this.state = "COMMITTED";
  }

  onAbort() {
    this.state = "ABORTED";
  }
}

// ------------------------------------------------------------------ the adapter

let names = []; // of the resource managers
let manager, resources, network;

const send = (message) => network.set(JSON.stringify(message), message);
const sent = (message) => network.has(JSON.stringify(message));

function reset() {
  manager = new TransactionManager(names);
  resources = new Map(names.map((name) => [name, new ResourceManager(name)]));
  network = new Map(); // what was ever sent, by its text: messages may be lost or repeated
}

// For each action of the spec: for whom it is possible, and what it does.
const actions = {
  tm_receive_prepared: {
    for: (rm) => manager.decision === null && sent({ kind: "Prepared", rm }),
    do: (rm) => manager.onPrepared(rm),
  },
  tm_commit: { if: () => manager.canCommit(), do: () => manager.commit(send) },
  tm_abort: { if: () => manager.decision === null, do: () => manager.abort(send) },
  rm_prepare: {
    for: (rm) => resources.get(rm).state === "WORKING",
    do: (rm) => resources.get(rm).prepare(send),
  },
  rm_choose_to_abort: {
    for: (rm) => resources.get(rm).state === "WORKING",
    do: (rm) => resources.get(rm).giveUp(),
  },
  rm_receive_commit: {
    for: () => sent({ kind: "Commit" }),
    do: (rm) => resources.get(rm).onCommit(),
  },
  rm_receive_abort: {
    for: () => sent({ kind: "Abort" }),
    do: (rm) => resources.get(rm).onAbort(),
  },
};

function enabled() {
  const steps = [];
  for (const [action, rules] of Object.entries(actions)) {
    if (rules.if && rules.if()) steps.push({ action, args: {} });
    if (rules.for) {
      for (const rm of names) if (rules.for(rm)) steps.push({ action, args: { rm } });
    }
  }
  return steps;
}

function step({ action, args }) {
  const rules = actions[action];
  const possible = rules.if ? rules.if() : rules.for(args.rm);
  if (!possible) return { refused: `${action} is not possible` };
  rules.do(args.rm);
  return {};
}

const DECISIONS = { commit: "COMMITTED", abort: "ABORTED" };

function state() {
  return {
    rm_state: Object.fromEntries(names.map((name) => [name, resources.get(name).state])),
    tm_state: DECISIONS[manager.decision] ?? "INIT",
    tm_prepared: names.filter((name) => manager.prepared.has(name)),
    sent: [...network.keys()].sort().map((text) => network.get(text)),
  };
}

function save() {
  return {
    decision: manager.decision,
    prepared: [...manager.prepared],
    states: names.map((name) => resources.get(name).state),
    network: [...network.values()],
  };
}

function restore(saved) {
  reset();
  manager.decision = saved.decision;
  manager.prepared = new Set(saved.prepared);
  names.forEach((name, at) => (resources.get(name).state = saved.states[at]));
  saved.network.forEach(send);
}

function answer(request) {
  switch (request.do) {
    case "begin":
      names = request.constants.resource_managers;
      return { messages: ["sent"], snapshots: true };
    case "reset":
      reset();
      return {};
    case "enabled":
      return { steps: enabled() };
    case "step":
      return step(request);
    case "state":
      return { state: state() };
    case "save":
      return { saved: save() };
    case "restore":
      restore(request.saved);
      return {};
    default:
      return { error: `there is no request "${request.do}"` };
  }
}

let rest = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (text) => {
  const lines = (rest + text).split("\n");
  rest = lines.pop();
  process.stdout.write(lines.map((line) => JSON.stringify(answer(JSON.parse(line))) + "\n").join(""));
});
