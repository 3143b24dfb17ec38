// What Swift cannot import from zlib.h: inflateInit2 is a macro that passes the header's version and
// the size of z_stream.
#pragma once
#include <zlib.h>

static inline int decaf_inflate_init(z_stream *stream, int window_bits) {
  return inflateInit2(stream, window_bits);
}
