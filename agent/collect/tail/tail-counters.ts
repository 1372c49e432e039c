/** What the tailer did since it was made; every number only rises, but `files_followed` and `files_open`. */
export interface TailCounters {
  /** Of lines that were handed over or passed over; what is half there does not count yet. */
  bytes: number
  lines: number
  files_followed: number
  /** Open descriptors, rotated files that are still drained included. */
  files_open: number
  /** A path led to another file than before. */
  rotations: number
  /** A file lost its content while it was followed. */
  truncations: number
  /** Whole rotated files that were found and read although nobody saw them while they were current. */
  caught_up_files: number
  /** Rotations (or truncations) after which the rest of the old content was not found: lines may be lost. */
  lost_rotations: number
  /** A line that does not fit into one read. */
  line_too_long: number
  /** Bytes behind the last newline of a file that will not grow any more, in lines. */
  unfinished: number
  /** Not a regular file, a symbolic link where none is wanted, or outside the allowed folders. */
  refused: number
  /** Errors of open, stat and read other than "no such file"; each is tried again at the next look. */
  errors: number
  /** The consumer threw; the lines it was given count as read. */
  consumer_errors: number
}

export function makeCounters(): TailCounters {
  return {
    bytes: 0,
    lines: 0,
    files_followed: 0,
    files_open: 0,
    rotations: 0,
    truncations: 0,
    caught_up_files: 0,
    lost_rotations: 0,
    line_too_long: 0,
    unfinished: 0,
    refused: 0,
    errors: 0,
    consumer_errors: 0,
  }
}
