import type { RandomSource } from "./random-source.ts";

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** Random letters and digits. */
export function randomText(length: number, random: RandomSource): string {
  return Array.from({ length }, () => letters[random.below(letters.length)]).join("");
}
