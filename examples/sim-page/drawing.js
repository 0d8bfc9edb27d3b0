/** Canvases in the colours of the page, sharp on every screen. */

/** Names of the custom properties of page.css that the pictures use. */
const COLOURS = ['card', 'edge', 'text', 'quiet', 'grid', 'data', 'again', 'ack', 'control', 'lost'];

let colours;

/** Returns the colours of the present theme by name. */
export function theme() {
  if (colours === undefined) {
    const style = getComputedStyle(document.documentElement);
    colours = Object.fromEntries(COLOURS.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  }
  return colours;
}

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => (colours = undefined));

/** Empties a canvas. Returns its context, in CSS pixels, and its size. */
export function begin(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = devicePixelRatio;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const pen = canvas.getContext('2d');
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.font = '12px system-ui, sans-serif';
  pen.lineWidth = 1;
  pen.textBaseline = 'middle';
  pen.textAlign = 'left';
  return { pen, width, height };
}

/** Draws a packet: a circle, or a square on its corner for the begin and end of a connection. */
export function dot(pen, kind, x, y, radius = 5) {
  pen.fillStyle = theme()[kind];
  pen.beginPath();
  if (kind === 'control') {
    pen.moveTo(x, y - radius - 2);
    pen.lineTo(x + radius + 2, y);
    pen.lineTo(x, y + radius + 2);
    pen.lineTo(x - radius - 2, y);
  } else {
    pen.arc(x, y, kind === 'ack' ? radius * 0.7 : radius, 0, 2 * Math.PI);
  }
  pen.fill();
}

/** Draws the mark of a lost packet. */
export function cross(pen, x, y, size = 5) {
  pen.strokeStyle = theme().lost;
  pen.lineWidth = 2.5;
  pen.beginPath();
  pen.moveTo(x - size, y - size);
  pen.lineTo(x + size, y + size);
  pen.moveTo(x + size, y - size);
  pen.lineTo(x - size, y + size);
  pen.stroke();
  pen.lineWidth = 1;
}

export function line(pen, x0, y0, x1, y1) {
  pen.beginPath();
  pen.moveTo(x0, y0);
  pen.lineTo(x1, y1);
  pen.stroke();
}
