/* SPDX-License-Identifier: Apache-2.0 */
/* The public header alone, twice, as C of each standard. */
#include <usher/usher.h>

int main(void)
{
	struct usher_options options = { sizeof(options), USHER_NONBLOCK | USHER_RETRY, 0, 0, 0, 0, 0, 0 };
	struct usher *usher;

	return usher_open(&usher, &options);
}
