/** Elements: everything that is shown is text. */

/** Returns the element of an id. */
export function byId(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`there is no #${id}`);
  return element;
}

/** Makes an element with attributes and children; a child may be text. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Makes an icon of a level: a shape for each. */
export function icon(level) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `#i-${level}`);
  svg.append(use);
  return svg;
}

/** Sets a text, if it has changed. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Sets an attribute, if it has changed; `undefined` removes it. */
export function setAttribute(element, name, value) {
  if (value === undefined) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/**
 * Makes the children of an element those of a list, each by its key: an element that is there stays, with the
 * focus in it.
 * @param create makes the element of an item.
 * @param update writes an item into its element.
 */
export function keyed(parent, items, keyOf, create, update) {
  const former = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let element = former.get(key);
    if (element === undefined) {
      element = create(item);
      element.dataset.key = key;
    }
    former.delete(key);
    update(element, item);
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
  // The elements of the items stand before `place`: none of the others is left, even if two had one key.
  while (place !== null) {
    const next = place.nextElementSibling;
    place.remove();
    place = next;
  }
}

/** Returns the items of rows in their order. */
export function itemsOf({ order, rows }) {
  return order.map((key) => rows[key]).filter((row) => row !== undefined);
}

/** Makes a row whose cells carry the head of their column, for narrow windows. */
export function makeRow(table, classes = []) {
  const heads = [...table.tHead.rows[0].cells];
  const row = make('tr');
  heads.forEach((head, at) => {
    const cell = make(at === 0 ? 'th' : 'td', { 'data-label': head.textContent });
    if (at === 0) cell.scope = 'row';
    if (head.classList.contains('number')) cell.classList.add('number');
    if (classes[at]) cell.classList.add(classes[at]);
    row.append(cell);
  });
  return row;
}

/** Shows a table, or what stands for an empty one. */
export function showRows(table, items, keyOf, create, update) {
  keyed(table.tBodies[0], items, keyOf, create, update);
  table.parentElement.hidden = items.length === 0;
  const empty = table.parentElement.parentElement.querySelector('.empty');
  if (empty !== null) empty.hidden = items.length > 0;
}
