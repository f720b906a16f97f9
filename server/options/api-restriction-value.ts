import { apiCategories, type ApiCategory, type ApiRestriction } from "../api-restriction.ts";
import { nearest } from "../core/edit-distance.ts";
import { type OptionValue, ValueProblem } from "./option-value.ts";

const placeholder = "<category>[,<category>...]:<key>=<value>";

/** A header's name, and a value that arrives as it was sent: no control characters, no space at either end. */
const syntax = /^([^:]+):([\w!#$%&'*+.^`|~-]+)=([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)$/;

/**
 * The value of `--http-restricted-api` and `--grpc-restricted-protocol`: each occurrence is one restriction.
 *
 * @param noun - What a category is called in messages.
 */
export function apiRestrictionValue(noun: "api" | "protocol"): OptionValue<readonly ApiRestriction[]> {
  return {
    placeholder,
    allowed: placeholder,
    isRepeatable: true,
    read: (text, previous) => {
      const [, list, key, value] = syntax.exec(text) ?? [];
      if (list === undefined || key === undefined || value === undefined) {
        return ValueProblem.expected(placeholder, text);
      }
      const categories: ApiCategory[] = [];
      const taken = previous.flatMap((restriction) => restriction.categories);
      for (const name of list.split(",")) {
        const category = apiCategories.find((known) => known === name);
        if (category === undefined) return unknownCategory(noun, name);
        if (taken.includes(category)) {
          return new ValueProblem(
            `names restricted ${noun} "${category}" again: it can not be specified in multiple config groups`,
          );
        }
        if (!categories.includes(category)) categories.push(category);
      }
      return [...previous, { categories, key, value }];
    },
  };
}

function unknownCategory(noun: string, name: string): ValueProblem {
  const suggestion = nearest(name, apiCategories);
  const hint = suggestion === null ? "" : `, did you mean ${suggestion}?`;
  return new ValueProblem(
    `names unknown restricted ${noun} ${JSON.stringify(name)}${hint} (known: ${apiCategories.join(", ")})`,
  );
}
