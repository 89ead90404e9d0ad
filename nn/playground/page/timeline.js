// One step in slow motion: its four phases, a moment of them, and playing through them.
import { clamp, smooth } from "./common.js";
import { AFTER, lengthOf, phaseAt } from "./phases.js";

const RATES = [0.8, 2.2]; // layers a second, of the two slowest speeds
const STEP = 1.9; // of a single step

export class Timeline {
  time = 0; trip = null; goal = null; isStepping = false; isLooping = false; ending = false;

  get isSlow() { return this.speed < RATES.length; }
  phase() { return this.trip && this.time > 0 ? phaseAt(this.time, this.run.L) : { name: "rest" }; }

  // Go to a moment; between old and new weights Python shows what is true of those between.
  moveTo(time) {
    if (!this.frame || this.ending) return;
    const whole = lengthOf(this.run.L), last = this.run.still ? whole - AFTER - 1e-6 : whole; // without Python nothing is updated
    time = clamp(time, 0, last);
    if (time === last) this.isStepping = false;
    if (time > 0 && !this.trip) this.begin();
    if (!this.trip) return;
    this.time = time;
    if (time >= whole) return this.finish();
    const { name, f } = this.phase(), share = name === "update" ? smooth(f) : null;
    if (share !== this.share) { this.share = share; this.steady("preview", { do: "preview", share }); }
    if (time <= 0) this.trip = null;
    this.repaint();
  }

  begin() {
    const { theta, delta, of } = this.frame;
    this.trip = { old: theta.slice(), delta: delta.slice(), of, steps: this.frame.steps };
    Object.assign(this, { lit: false, zoom: 0, hover: null, share: null });
  }

  // The step is made: what was shown last is what is so.
  finish() {
    this.ending = true;
    this.waiting.delete("preview");
    this.connection.send({ do: "step" });
  }

  // A frame has come: if it is the one after the step, the step is over.
  stepped() {
    if (!this.trip || (this.frame.steps === this.trip.steps && !(this.ending && this.frame.notice.tone))) return;
    Object.assign(this, { trip: null, time: 0, goal: null, isStepping: false, ending: false, share: null });
    if (this.isLooping && !this.frame.notice.tone) this.isStepping = true; else this.isLooping = false;
  }

  cancel() {
    if (this.trip && !this.ending) {
      this.waiting.delete("preview");
      if (this.share != null) this.connection.send({ do: "preview", share: null });
    }
    if (!this.ending) Object.assign(this, { trip: null, time: 0, share: null });
    Object.assign(this, { goal: null, isStepping: false, isLooping: false });
  }

  halt() { this.isStepping = this.isLooping = false; this.goal = null; if (this.frame?.playing) this.connection.send({ do: "pause" }); }

  // --- Acts ----------------------------------------------------------------------------

  step() {
    if (!this.frame) return;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (this.frame.playing) this.connection.send({ do: "pause" });
    if (this.trip) { if (!this.ending) this.finish(); return; }
    if (still) return this.connection.send({ do: "step" });
    this.isStepping = true; this.zoom = 0; this.look();
  }

  toggle() {
    if (this.isPlaying) {
      const looped = this.isLooping;
      this.isLooping = this.isStepping = false;
      if (!looped || this.frame.playing) this.connection.send({ do: "pause" });
    } else if (this.isSlow) { this.isLooping = this.isStepping = true; this.look(); }
    else { this.cancel(); this.connection.send({ do: "play", speed: this.speed - RATES.length }); }
    this.repaint();
  }

  setSpeed(speed) {
    const playing = this.isPlaying;
    this.speed = speed;
    if (!playing) return;
    if (this.isSlow) { this.connection.send({ do: "pause" }); this.isLooping = this.isStepping = true; this.repaint(); }
    else { this.cancel(); this.connection.send({ do: "play", speed: speed - RATES.length }); }
  }

  // To the next or the last phase; back from rest is an undo.
  tick(way) {
    const { L } = this.run, stops = [...Array(2 * L + 2).keys(), lengthOf(L)], now = this.goal ?? this.time;
    this.halt();
    if (way < 0 && now === 0) return this.send({ do: "undo" });
    const next = way > 0 ? stops.find((s) => s > now + 0.01) : stops.findLast((s) => s < now - 0.01) ?? 0;
    this.goal = way > 0 && next < lengthOf(L) ? next - 0.001 : next;
    if (way > 0 && this.goal - now < 0.01) this.goal = (stops.find((s) => s > next + 0.01) ?? lengthOf(L)) - 0.001;
    this.repaint();
  }

  // As time goes by: called before every painting.
  advance(at) {
    const passed = Math.min(0.1, (at - (this.before ?? at)) / 1000);
    this.before = at;
    if (this.goal != null) {
      const way = this.goal - this.time, most = passed * STEP;
      if (Math.abs(way) <= most) { const goal = this.goal; this.goal = null; this.moveTo(goal >= lengthOf(this.run.L) - 0.01 ? lengthOf(this.run.L) : goal); }
      else this.moveTo(this.time + Math.sign(way) * most);
    } else if (this.isStepping && !this.ending) this.moveTo(this.time + passed * (this.isLooping ? RATES[this.speed] ?? STEP : STEP) || 1e-6);
    if (this.goal != null || this.isStepping) this.repaint();
    else this.before = null;
  }
}
