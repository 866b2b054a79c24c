/* SPDX-License-Identifier: Apache-2.0 */
/* Control messages between our own processes: see control.h. */
#include "wire/control.h"

#include <errno.h>

#include "base/cleanup.h"

int control_send(int socket, const struct control *message, const int *fds, size_t count)
{
	return fdpass_send(socket, message, sizeof(*message), fds, count);
}

int control_receive(int socket, struct control *ret, int ret_fds[CONTROL_FDS_MAX])
{
	struct fdpass_message info;
	int fds[CONTROL_FDS_MAX];
	int r;

	r = fdpass_receive(socket, ret, sizeof(*ret), fds, CONTROL_FDS_MAX, &info);
	for (size_t i = 0; i < CONTROL_FDS_MAX; i++)
		ret_fds[i] = r == FDPASS_MESSAGE && i < info.fd_count ? fds[i] : -1;
	if (r != FDPASS_MESSAGE)
		return r;
	ret->text[CONTROL_TEXT_BYTES - 1] = '\0';
	if (info.size == sizeof(*ret) && !info.cut)
		return FDPASS_MESSAGE;
	for (size_t i = 0; i < CONTROL_FDS_MAX; i++)
		close_fd(&ret_fds[i]);
	return -EBADMSG;
}

const char *control_fault_text(enum control_fault fault)
{
	switch (fault) {
	case CONTROL_FAULT_SHUT:
		return "shut down or closed its channel";
	case CONTROL_FAULT_RIGHTS:
		return "refuses file descriptors on its channel (SO_PASSRIGHTS)";
	case CONTROL_FAULT_MESSAGE:
		return "sent a message that makes no sense";
	case CONTROL_FAULT_DONE:
		return "reported more connections finished than it has";
	case CONTROL_FAULT_BLOCKED:
		return "blocked its channel so that its connections could not be taken back";
	case CONTROL_FAULT_NONE:
	case CONTROL_FAULT_COUNT:
		break;
	}
	return "nothing";
}
