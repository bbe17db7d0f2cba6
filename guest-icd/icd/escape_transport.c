/* SPDX-License-Identifier: MIT */
#include "escape_transport.h"

#include <string.h>

enum vgt_escape_status escape_call(struct escape_transport *transport,
	enum vgt_escape_request request, uint32_t flags, void *buffer, uint32_t size)
{
	struct vgt_escape_header *header = buffer;
	*header = (struct vgt_escape_header){
		.magic = VGT_ESCAPE_MAGIC,
		.version = VGT_ESCAPE_VERSION,
		.request = (uint16_t)request,
		.size = size,
		.flags = flags,
		.status = UINT32_MAX, /* stays where somebody else took the escape */
	};
	if (!transport->escape(transport, buffer, size) ||
		header->status > VGT_ESCAPE_UNSUPPORTED) {
		return VGT_ESCAPE_DEVICE_LOST;
	}
	return (enum vgt_escape_status)header->status;
}

bool escape_transport_answers(struct escape_transport *transport)
{
	struct vgt_escape_get_version version = {.features = 0};
	return escape_call(transport, VGT_ESCAPE_GET_VERSION, 0, &version, sizeof(version)) ==
		       VGT_ESCAPE_OK &&
	       version.header.version == VGT_ESCAPE_VERSION &&
	       (version.features & VGT_ESCAPE_FEATURE_VIRGL);
}

struct escape_transport *escape_transport_open(const char *name)
{
	static const struct {
		const char *name;
		struct escape_transport *(*open)(void);
	} ways[] = {
		{"d3dkmt", escape_d3dkmt_open},
		{"device", escape_device_open},
	};
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		if (!name || !*name || strcmp(name, ways[i].name) == 0) {
			struct escape_transport *transport = ways[i].open();
			if (transport) {
				return transport;
			}
		}
	}
	return NULL;
}

void escape_transport_close(struct escape_transport *transport)
{
	if (transport) {
		transport->close(transport);
	}
}
