/* SPDX-License-Identifier: Apache-2.0 */
/* Input of `usherctl decode`: see decode_input.h. Refuses to grow. */
#include "cli/decode_input.h"

#include <stdio.h>
#include <string.h>

void decode_input_reset(struct decode_input *input)
{
	input->size = 0;
	input->column = 0;
	input->bad_column = 0;
	input->half = false;
}

void decode_input_raw(struct decode_input *input, const uint8_t *bytes, size_t size)
{
	size_t room = sizeof(input->bytes) - input->size;

	if (size > room)
		size = room;
	memcpy(input->bytes + input->size, bytes, size);
	input->size += size;
}

static int nibble_of(uint8_t character)
{
	if (character >= '0' && character <= '9')
		return character - '0';
	if (character >= 'a' && character <= 'f')
		return character - 'a' + 10;
	if (character >= 'A' && character <= 'F')
		return character - 'A' + 10;
	return -1;
}

void decode_input_hex(struct decode_input *input, uint8_t character)
{
	int nibble = nibble_of(character);
	uint8_t byte;

	input->column++;
	if (character == ' ' || (character >= '\t' && character <= '\r'))
		return;
	if (nibble < 0) {
		if (input->bad_column == 0) {
			input->bad_column = input->column;
			input->bad = character;
		}
		return;
	}
	if (input->half) {
		byte = (uint8_t)(input->high << 4 | nibble);
		decode_input_raw(input, &byte, 1);
	}
	input->high = (uint8_t)nibble;
	input->half = !input->half;
}

bool decode_input_finish(const struct decode_input *input, char *ret_why, size_t why_bytes)
{
	if (input->bad_column > 0)
		(void)snprintf(ret_why, why_bytes, "not hex: character %zu is 0x%02x", input->bad_column,
		               input->bad);
	else if (input->half)
		(void)snprintf(ret_why, why_bytes, "not hex: an odd number of digits");
	else
		return true;
	return false;
}
