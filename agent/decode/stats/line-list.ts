/** Lines of a page as they are found: value ranges and values. Grows; used again from page to page. */
export interface LineList {
  count: number
  starts: Int32Array
  ends: Int32Array
  values: Float64Array
}

export function makeLineList(room = 1024): LineList {
  return {
    count: 0,
    starts: new Int32Array(room),
    ends: new Int32Array(room),
    values: new Float64Array(room),
  }
}

export function pushLine(list: LineList, start: number, end: number, value: number): void {
  if (list.count === list.starts.length) grow(list)
  list.starts[list.count] = start
  list.ends[list.count] = end
  list.values[list.count] = value
  list.count++
}

function grow(list: LineList): void {
  const room = list.starts.length * 2
  const { starts, ends, values } = list
  list.starts = new Int32Array(room)
  list.starts.set(starts)
  list.ends = new Int32Array(room)
  list.ends.set(ends)
  list.values = new Float64Array(room)
  list.values.set(values)
}
