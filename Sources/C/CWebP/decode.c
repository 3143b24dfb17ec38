#include "cwebp.h"

#include <stdlib.h>
#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>

// The first frame: its own file of pixels, and where it stands in the picture.
struct frame {
  WebPData data;
  int x;
  int y;
  int width;
  int height;
};

static enum cwebp_status status_of(VP8StatusCode code) {
  switch (code) {
  case VP8_STATUS_OK: return CWEBP_OK;
  case VP8_STATUS_NOT_ENOUGH_DATA:
  case VP8_STATUS_SUSPENDED: return CWEBP_TRUNCATED;
  case VP8_STATUS_OUT_OF_MEMORY: return CWEBP_TOO_MUCH_MEMORY;
  default: return CWEBP_CORRUPT;
  }
}

// Whether the bytes go on to the end that the file's first header names.
static int is_whole(const unsigned char *bytes, size_t count) {
  if (count < 12) return 0;
  size_t claimed = (size_t)bytes[4] | (size_t)bytes[5] << 8 | (size_t)bytes[6] << 16 |
                   (size_t)bytes[7] << 24;
  return count >= claimed + 8;
}

// The picture's size and first frame.
static enum cwebp_status open_file(const unsigned char *bytes, size_t count,
                                   struct cwebp_header *header, struct frame *frame) {
  WebPBitstreamFeatures features;
  VP8StatusCode code = WebPGetFeatures(bytes, count, &features);
  if (code != VP8_STATUS_OK) return status_of(code);
  *header = (struct cwebp_header){.width = features.width, .height = features.height};
  *frame = (struct frame){{bytes, count}, 0, 0, features.width, features.height};

  WebPData data = {bytes, count};
  WebPDemuxState state;
  WebPDemuxer *demuxer = WebPDemuxPartial(&data, &state);
  if (demuxer == NULL) return features.has_animation ? CWEBP_CORRUPT : CWEBP_OK;
  WebPChunkIterator chunk;
  if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk)) {
    header->exif_offset = (size_t)(chunk.chunk.bytes - bytes);
    header->exif_count = chunk.chunk.size;
    WebPDemuxReleaseChunkIterator(&chunk);
  }
  enum cwebp_status status = CWEBP_OK;
  if (features.has_animation) {
    WebPIterator first;
    if (WebPDemuxGetFrame(demuxer, 1, &first)) {
      *frame = (struct frame){first.fragment, first.x_offset, first.y_offset, first.width,
                              first.height};
      if (!first.complete) status = CWEBP_TRUNCATED;
      WebPDemuxReleaseIterator(&first);
    } else {
      status = is_whole(bytes, count) ? CWEBP_CORRUPT : CWEBP_TRUNCATED;
    }
  }
  WebPDemuxDelete(demuxer);
  return status;
}

enum cwebp_status cwebp_read_header(const unsigned char *bytes, size_t count,
                                    struct cwebp_header *header) {
  struct frame frame;
  return open_file(bytes, count, header, &frame);
}

static void lay_on_white(unsigned char *rgb, const unsigned char *rgba, size_t count) {
  for (; count > 0; count--, rgb += 3, rgba += 4) {
    unsigned alpha = rgba[3];
    for (int c = 0; c < 3; c++)
      rgb[c] = (unsigned char)((rgba[c] * alpha + 255 * (255 - alpha) + 127) / 255);
  }
}

static enum cwebp_status decode_frame(const struct frame *frame, WEBP_CSP_MODE mode,
                                      unsigned char *target, size_t stride, size_t size) {
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config)) return CWEBP_CORRUPT;
  VP8StatusCode code = WebPGetFeatures(frame->data.bytes, frame->data.size, &config.input);
  if (code != VP8_STATUS_OK) return status_of(code);
  // The frame's own header may differ from the file's, which the buffer was made for.
  if (config.input.width != frame->width || config.input.height != frame->height)
    return CWEBP_CORRUPT;
  config.output.colorspace = mode;
  config.output.is_external_memory = 1;
  config.output.u.RGBA =
      (WebPRGBABuffer){.rgba = target, .stride = (int)stride, .size = size};
  code = WebPDecode(frame->data.bytes, frame->data.size, &config);
  WebPFreeDecBuffer(&config.output);
  return status_of(code);
}

enum cwebp_status cwebp_decode(const unsigned char *bytes, size_t count, enum cwebp_alpha alpha,
                               unsigned char *pixels) {
  struct cwebp_header header;
  struct frame frame;
  enum cwebp_status status = open_file(bytes, count, &header, &frame);
  if (status != CWEBP_OK) return status;
  if (frame.x < 0 || frame.y < 0 || frame.width > header.width - frame.x ||
      frame.height > header.height - frame.y)
    return CWEBP_CORRUPT;
  size_t row = (size_t)header.width * 3, size = row * (size_t)header.height;
  int is_part = frame.width != header.width || frame.height != header.height;
  if (is_part) memset(pixels, alpha == CWEBP_ALPHA_WHITE ? 255 : 0, size);
  size_t start = (size_t)frame.y * row + (size_t)frame.x * 3;
  if (alpha == CWEBP_ALPHA_DROPPED) {
    status = decode_frame(&frame, MODE_RGB, pixels + start, row, size - start);
  } else {
    size_t width = (size_t)frame.width, height = (size_t)frame.height;
    unsigned char *rgba = malloc(width * height * 4);
    if (rgba == NULL) return CWEBP_TOO_MUCH_MEMORY;
    status = decode_frame(&frame, MODE_RGBA, rgba, width * 4, width * height * 4);
    if (status == CWEBP_OK)
      for (size_t y = 0; y < height; y++)
        lay_on_white(pixels + start + y * row, rgba + y * width * 4, width);
    free(rgba);
  }
  // libwebp calls some pictures that end early damaged.
  return status == CWEBP_CORRUPT && !is_whole(bytes, count) ? CWEBP_TRUNCATED : status;
}
