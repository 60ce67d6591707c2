/* Changes on their way to the disk: one after another, tried again until the server has answered, kept over a reload.
   A job may reach the server twice; it enters nothing twice. */

import {Refusal, keep, recall, tell} from "./asking.js";

const LONGEST_MS = 8000;

export class Saving {
  /* name: of the storage of this window; state(waiting, error or null): told after each step;
     done(job, entries), conflict(job, entries), failed(job, reason): how a job ended. */
  constructor(name, {state, done, conflict, failed}) {
    Object.assign(this, {name, state, done, conflict, failed});
    this.jobs = JSON.parse(recall("sessionStorage", name) ?? "[]");
    this.wake = () => {};
    this.resting = [];
    addEventListener("beforeunload", event => { if (this.jobs.length) event.preventDefault(); });
    setTimeout(() => { this.state(this.jobs.length, null); this.run(); });
  }

  push(job) {
    this.jobs.push(job);
    this.keep();
    this.state(this.jobs.length, null);
    this.run();
  }

  /* When nothing is on its way any more. */
  idle() { return this.jobs.length ? new Promise(done => this.resting.push(done)) : Promise.resolve(); }

  /* Try now instead of a little later. */
  hurry() { this.wake(); }

  keep() { keep("sessionStorage", this.name, JSON.stringify(this.jobs)); }

  async run() {
    if (this.running) return;
    this.running = true;
    for (let pause = 500; this.jobs.length;) {
      const job = this.jobs[0];
      try {
        const {done} = await tell(job.path, job.body);
        this.ended(() => this.done(job, done));
        pause = 500;
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        if (error.status === 409) this.ended(() => this.conflict(job, error.said.conflicts));
        else if (error.status === 422 || error.status === 403) this.ended(() => this.failed(job, error.message));
        else {
          this.state(this.jobs.length, error.message);
          await new Promise(done => { this.wake = done; setTimeout(done, pause); });
          pause = Math.min(2 * pause, LONGEST_MS);
        }
      }
    }
    this.running = false;
  }

  ended(then) {
    this.jobs.shift();
    this.keep();
    then();
    this.keep();
    this.state(this.jobs.length, null);
    if (!this.jobs.length) for (const done of this.resting.splice(0)) done();
  }
}
