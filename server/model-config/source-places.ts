import { parentPath } from "./json-path.ts";

/** A position in a text. Both from 1; columns in UTF-16 units. */
export interface SourcePlace {
  readonly line: number;
  readonly column: number;
}

/** Where in a config file the values stand, by their paths: for messages that are made when the text is long gone. */
export class SourcePlaces {
  readonly #places = new Map<string, SourcePlace>();

  set(path: string, place: SourcePlace): void {
    this.#places.set(path, place);
  }

  /** Of the value itself, or else of what it would stand in: a missing field has the place of its message. */
  placeOf(path: string): SourcePlace | null {
    for (let current: string | null = path; current !== null; current = parentPath(current)) {
      const place = this.#places.get(current);
      if (place !== undefined) return place;
    }
    return null;
  }
}

/** A place as messages write it. */
export function formatPlace(place: SourcePlace): string {
  return `line ${place.line}, column ${place.column}`;
}
