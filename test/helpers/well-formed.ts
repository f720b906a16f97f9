/** An element of a page that {@link readMarkup} has read. */
export interface MarkupElement {
  readonly tag: string;
  readonly attributes: ReadonlyMap<string, string>;
  /** The text inside it, elements left out, entities as they are written. */
  readonly text: string;
}

const token =
  /<!--.*?-->|<!DOCTYPE html>|<(\/?)([a-zA-Z][\w-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|([^<]+)|(<)/gs;
const attribute = /([\w:-]+)="([^"]*)"/g;

/**
 * Reads a page whose elements are all closed, and whose attributes are all quoted.
 *
 * @throws Error for anything else: a tag that is not closed, a character that should be escaped, an id that is there twice.
 */
export function readMarkup(page: string): readonly MarkupElement[] {
  const reader = new MarkupReader();
  let end = 0;
  for (const match of page.matchAll(token)) {
    const [all, slash, tag, attributes = "", selfClosing, text] = match;
    if (match.index !== end) throw new Error(`Not markup: ${page.slice(end, match.index)}`);
    end = match.index + all.length;
    if (text !== undefined) reader.onText(text);
    else if (tag === undefined) reader.onOther(all);
    else if (slash === "/") reader.onClose(tag);
    else reader.onOpen(tag, attributes, selfClosing === "/");
  }
  if (end !== page.length) throw new Error(`Not markup: ${page.slice(end)}`);
  return reader.finish();
}

/** Keeps the elements that are open while a page is read. */
class MarkupReader {
  readonly #elements: { tag: string; attributes: Map<string, string>; text: string }[] = [];
  readonly #open: { tag: string; attributes: Map<string, string>; text: string }[] = [];
  readonly #ids = new Set<string>();

  onText(text: string): void {
    const inside = this.#open.at(-1);
    if (inside?.tag !== "style" && /&(?!(amp|lt|gt|quot|#39);)/.test(text)) {
      throw new Error(`An "&" that is not escaped: ${text}`);
    }
    if (inside !== undefined) inside.text += text;
  }

  onOther(text: string): void {
    if (text === "<") throw new Error('A "<" that is not escaped');
  }

  onOpen(tag: string, written: string, isSelfClosing: boolean): void {
    const element = { tag, attributes: new Map<string, string>(), text: "" };
    for (const [, name = "", value = ""] of written.matchAll(attribute)) {
      if (element.attributes.has(name)) throw new Error(`<${tag}> has ${name} twice`);
      element.attributes.set(name, value);
    }
    const id = element.attributes.get("id");
    if (id !== undefined && this.#ids.has(id)) throw new Error(`The id ${id} is there twice`);
    if (id !== undefined) this.#ids.add(id);
    this.#elements.push(element);
    if (!isSelfClosing) this.#open.push(element);
  }

  onClose(tag: string): void {
    const inside = this.#open.pop();
    if (inside?.tag !== tag) throw new Error(`</${tag}> closes <${inside?.tag ?? "nothing"}>`);
  }

  finish(): readonly MarkupElement[] {
    if (this.#open.length > 0) throw new Error(`Not closed: ${this.#open.map(({ tag }) => tag).join(", ")}`);
    return this.#elements;
  }
}

/** What {@link MarkupElement.attributes} refer to that is not on the page itself. */
export function externalResources(elements: readonly MarkupElement[]): readonly string[] {
  const loading = ["src", "href", "xlink:href", "data", "action", "poster", "srcset"];
  return elements.flatMap(({ tag, attributes }) => [
    ...(["script", "link", "iframe", "object", "img"].includes(tag) ? [tag] : []),
    ...[...attributes].filter(([name]) => loading.includes(name)).map(([name, value]) => `${name}=${value}`),
    ...[...attributes.keys()].filter((name) => name.startsWith("on")),
  ]);
}
