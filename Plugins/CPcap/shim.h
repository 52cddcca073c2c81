// libpcap's types and constants. Not linked: it brings ten libraries with it, so the command opens it when it is
// needed.
#ifndef CPCAP_SHIM_H
#define CPCAP_SHIM_H
#include <pcap/pcap.h>

#endif
