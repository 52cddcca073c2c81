#pragma once

#include <netdb.h>
#include <netinet/in.h>
#include <srt/srt.h>
#include <sys/socket.h>
