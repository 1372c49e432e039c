/** A whole number in a sentence, with commas between thousands. */
export function thousands(value: number): string {
  return value.toLocaleString("en-US")
}
