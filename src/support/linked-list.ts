/**
 * A list whose members carry their links themselves. To be in the list costs a member two fields, less than a
 * place in a Set, and adding and removing make no object.
 */

/** A member, for the one list that it can be in. Only the list uses these fields. */
export interface Linked<Member> {
  next: Member | undefined;
  previous: Member | undefined;
}

export class LinkedList<Member extends Linked<Member>> implements Iterable<Member> {
  #first: Member | undefined;
  #last: Member | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds a member, which is in no list, behind the others. */
  add(member: Member): void {
    member.previous = this.#last;
    if (this.#last === undefined) this.#first = member;
    else this.#last.next = member;
    this.#last = member;
    this.#size += 1;
  }

  /** Removes a member; harmless if it is in no list. */
  delete(member: Member): void {
    const { next, previous } = member;
    if (previous === undefined && this.#first !== member) return;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    member.next = undefined;
    member.previous = undefined;
    this.#size -= 1;
  }

  /** Iterates over the members in the order in which they were added. The list stays as it is meanwhile. */
  *[Symbol.iterator](): Generator<Member> {
    for (let member = this.#first; member !== undefined; member = member.next) yield member;
  }
}
