/* An image that can be zoomed and moved: by wheel, drag, two fingers, buttons and keys. */

const MOST = 16, STEP = 1.25;

export class Viewer {
  constructor(stage, image, factor) {
    Object.assign(this, {stage, image, factor});
    this.pointers = new Map();
    image.addEventListener("load", () => this.fit());
    stage.addEventListener("wheel", event => {
      event.preventDefault();
      this.zoom(event.deltaY < 0 ? STEP : 1 / STEP, event);
    }, {passive: false});
    stage.addEventListener("pointerdown", event => {
      this.pointers.set(event.pointerId, event);
      stage.setPointerCapture(event.pointerId);
    });
    stage.addEventListener("pointermove", event => this.dragged(event));
    for (const kind of ["pointerup", "pointercancel"]) {
      stage.addEventListener(kind, event => this.pointers.delete(event.pointerId));
    }
    stage.addEventListener("dblclick", () => (this.scale > this.least ? this.fit() : this.pixels()));
    new ResizeObserver(() => this.image.naturalWidth && this.fit()).observe(stage);
  }

  show(address, alt) {
    this.image.alt = alt;
    this.image.src = address;
  }

  fit() {
    const {clientWidth: width, clientHeight: height} = this.stage;
    const {naturalWidth, naturalHeight} = this.image;
    if (!naturalWidth || !width) return;
    this.least = Math.min(width / naturalWidth, height / naturalHeight);
    this.scale = this.least;
    this.x = (width - naturalWidth * this.scale) / 2;
    this.y = (height - naturalHeight * this.scale) / 2;
    this.place();
  }

  /* One pixel of the image is one of the screen. */
  pixels() { this.zoom(1 / this.scale); }

  /* Zoom around a point of the window, or around the middle. */
  zoom(by, around = null) {
    const box = this.stage.getBoundingClientRect();
    const x = around ? around.clientX - box.left : box.width / 2, y = around ? around.clientY - box.top : box.height / 2;
    const next = Math.max(Math.min(this.least, 1), Math.min(MOST, this.scale * by));
    this.x = x - (x - this.x) * next / this.scale;
    this.y = y - (y - this.y) * next / this.scale;
    this.scale = next;
    this.place();
  }

  move(x, y) {
    this.x += x;
    this.y += y;
    this.place();
  }

  dragged(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const other = [...this.pointers.values()].find(one => one.pointerId !== event.pointerId);
    if (other) {
      const apart = one => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
      const middle = {clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2};
      this.zoom(apart(event) / Math.max(1, apart(before)), middle);
    } else {
      this.move(event.clientX - before.clientX, event.clientY - before.clientY);
    }
    this.pointers.set(event.pointerId, event);
  }

  /* What a key does; false: nothing. */
  key(event) {
    const ways = {ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40]};
    if (event.key === "+" || event.key === "=") this.zoom(STEP);
    else if (event.key === "-") this.zoom(1 / STEP);
    else if (event.key === "0") this.fit();
    else if (event.shiftKey && ways[event.key]) this.move(...ways[event.key]);
    else return false;
    return true;
  }

  place() {
    this.image.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    this.factor.textContent = `${Math.round(100 * this.scale)} %`;
  }
}
