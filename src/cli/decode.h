/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * `usherctl decode`: a PROXY header from standard input, explained. Needs no running instance. The parser is the
 * shards' own; no trust and no policy about sources is applied.
 */

/*
 * @argv[0] is "decode". Returns the exit code: 0 accepted, 1 refused or incomplete, 2 wrong arguments or input that
 * could not be read. With --lines: 0, whatever the lines hold.
 */
int decode_main(int argc, char **argv);
