// libswscale for Swift, which imports all of it that is used.
#ifndef CSWSCALE_SHIM_H
#define CSWSCALE_SHIM_H
#include <libswscale/swscale.h>

#endif
