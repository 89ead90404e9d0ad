// A compiled program, loaded from the file that `to_wasm` writes: in a browser, or in node.
//
//   const program = await load(bytes);
//   const { results } = program.run(program.parameters, [X, y], n);   // X has n rows
//   const { theta, losses } = program.train({ inputs: [X, y], n, rates });

const LIBRARY = {
  ...Object.fromEntries(Object.getOwnPropertyNames(Math).map((name) => [name, Math[name]])),
  fmod: (x, y) => x % y,
  exp2: (x) => 2 ** x,
};

const bytesOf = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;

export async function load(bytes) {
  const module = await WebAssembly.compile(bytes);
  const [section] = WebAssembly.Module.customSections(module, "program");
  const about = JSON.parse(new TextDecoder().decode(section));
  const memory = new WebAssembly.Memory({ initial: 1 });
  const stack = new WebAssembly.Global({ value: "i32", mutable: true }, 1024);
  const env = { ...LIBRARY, __linear_memory: memory, __stack_pointer: stack };
  const instance = await WebAssembly.instantiate(module, { env });
  return new Program(about, memory, instance.exports);
}

class Program {
  constructor(about, memory, functions) {
    Object.assign(this, { about, memory, functions, top: 1024 });
    this.parameters = new Float64Array(bytesOf(about.parameters));
    this.base = this.room(about.size);
    this.put(this.base, new Float64Array(bytesOf(about.numbers)));
    const tables = new BigInt64Array(bytesOf(about.tables));
    this.tables = this.room(tables.length);
    new BigInt64Array(memory.buffer, this.tables, tables.length).set(tables);
    this.free = this.top;
  }

  // Room for so many numbers of eight bytes, where vectors may begin.
  room(count) {
    const at = Math.ceil(this.top / 64) * 64;
    this.top = at + 8 * Math.max(count, 1);
    const lacking = Math.ceil(this.top / 65536) - this.memory.buffer.byteLength / 65536;
    if (lacking > 0) this.memory.grow(lacking);
    return at;
  }

  doubles(at, count) {
    return new Float64Array(this.memory.buffer, at, count);
  }

  put(at, numbers) {
    this.doubles(at, numbers.length).set(numbers);
    return at;
  }

  placed(numbers) {
    return this.put(this.room(numbers.length), numbers);
  }

  whole(numbers) {
    const at = this.room(numbers.length);
    new BigInt64Array(this.memory.buffer, at, numbers.length).set(numbers.map(BigInt));
    return at;
  }

  // The row of arguments: memory, tables, examples, order, parts of inputs, a mean, results, parts.
  arguments(parameters, inputs, n, order) {
    const outputs = [], parts = [];
    for (const [cells, shared] of this.about.results) {
      const count = cells.reduce((x, y) => x * y, 1);
      if (!shared) outputs.push(this.room(count * n));
    }
    for (const [name, , batched, place] of this.about.leaves) {
      let start = place;
      for (const part of batched ? inputs : [name === "parameters" ? parameters : inputs.flat()]) {
        if (batched) {
          const width = part.length / n;
          if (width) parts.push([this.placed(part), width, start]);
          start += width;
        } else this.put(this.base + 8 * start, part);
      }
    }
    const row = [this.base, this.tables, n, order, parts.length, 0, ...outputs, ...parts.flat()];
    return { at: this.whole(row), outputs };
  }

  results({ outputs }, n) {
    const all = this.doubles(this.base, this.about.size);
    let k = 0;
    return this.about.results.map(([cells, shared]) => {
      if (shared) return Float64Array.from(shared, (cell) => all[cell]);
      const count = cells.reduce((x, y) => x * y, 1);
      return this.doubles(outputs[k++], count * n).slice();
    });
  }

  // The results for n examples: of each, its numbers, the examples last.
  run(parameters, inputs, n = 1) {
    this.top = this.free;
    const given = this.arguments(parameters, inputs, n, this.whole([...Array(n).keys()]));
    this.functions.run(given.at);
    return { results: this.results(given, n) };
  }

  // Steps, each of `size` examples in the order given, at its rate; as far as numbers are finite.
  train({ theta = this.parameters, inputs, n, rates, size = n, order, state, made = 0 }) {
    this.top = this.free;
    const rows = order ?? [...Array(n).keys()];
    const place = this.whole([...rows, ...rows.slice(0, size)]);
    const given = this.arguments(theta, inputs, n, place);
    const count = theta.length, { slots } = this.about.training;
    const at = (name) => this.about.leaves.find((leaf) => leaf[0] === name)[3];
    const [, slopes] = this.about.results.at(-1);
    const starts = [];
    for (let start = 0; starts.length < rates.length; start = start + size < n ? start + size : 0)
      starts.push(Math.min(size, n - start));
    const told = {
      program: 0, arguments: given.at, order: place, length: n, sizes: this.whole(starts),
      rates: this.placed(rates), steps: rates.length, made, theta: this.base + 8 * at("parameters"),
      gradient: this.base + 8 * slopes[0], state: this.placed(state ?? new Array(slots * count).fill(0)),
      slopes: this.room(count), new: this.room((slots + 2) * count), decay: 0, most: 0, labels: 0, threshold: 0,
      loss: given.outputs[0] ?? this.base + 8 * this.about.results[0][1][0], outputs: 0,
      losses: this.room(rates.length), hits: this.room(rates.length),
    };
    const done = Number(this.functions.train(this.whole(this.about.training.plan.map((x) => told[x]))));
    return {
      theta: this.doubles(told.theta, count).slice(),
      state: this.doubles(told.state, slots * count).slice(),
      losses: this.doubles(told.losses, done).slice(),
      made: made + done,
    };
  }
}
