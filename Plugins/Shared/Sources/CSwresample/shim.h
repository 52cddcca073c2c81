// libswresample for Swift, which imports all of it that is used.
#ifndef CSWRESAMPLE_SHIM_H
#define CSWRESAMPLE_SHIM_H
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>

#endif
