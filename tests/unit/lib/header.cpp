/* SPDX-License-Identifier: Apache-2.0 */
/* The public header alone, twice, as C++. */
#include <usher/usher.h>
#include <usher/usher.h>

int main()
{
	usher_options options = usher_options();
	usher *handle;

	options.size = sizeof(options);
	options.flags = USHER_NONBLOCK | USHER_RETRY;
	return usher_open(&handle, &options);
}
