/**
 * How a test drives a peer: commands come as JSON lines on stdin, results and
 * events go as JSON lines to stdout, and the process ends when stdin does.
 */
import readline from "node:readline";

export const options = JSON.parse(process.argv[2] ?? "{}");

export function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** Answers each `{id, op, ...args}` with `{id, result}` or `{id, error}`. */
export function obey(commands) {
  const lines = readline.createInterface({ input: process.stdin });
  lines.on("line", async (line) => {
    const { id, op, ...args } = JSON.parse(line);
    try {
      say({ id, result: (await commands[op](args)) ?? null });
    } catch (error) {
      say({ id, error: String(error) });
    }
  });
  lines.on("close", () => process.exit(0));
}

/** Things that befall the next `count` subjects whose fields are as in `match`. */
export class Armed {
  #armed = [];

  /** `match.containing` is looked for in the subject's body; a null field matches all. */
  arm(thing, { containing, ...match }, count) {
    const fields = Object.entries(match).filter(([, value]) => value != null);
    this.#armed.push({ thing, fields, containing, left: count ?? Infinity });
  }

  take(subject) {
    const found = this.#armed.find(
      ({ fields, containing, left }) =>
        left > 0 &&
        fields.every(([name, value]) => subject[name] === value) &&
        (containing == null || subject.body?.includes(containing)),
    );
    if (!found) return null;
    found.left -= 1;
    return found.thing;
  }

  disarm() {
    this.#armed = [];
  }
}
