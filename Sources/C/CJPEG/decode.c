#include <string.h>

#include <jerror.h>

#include "trap.h"

// One call's arguments and state.
struct decoder {
  struct jpeg_decompress_struct jpeg;  // first, so that a pointer to it is one to the decoder
  struct trap trap;
  struct jpeg_source_mgr source;
  struct jpeg_progress_mgr progress;
  const unsigned char *bytes;
  size_t count;
  int is_in_scan;  // the header is read, pixels follow
  int is_ended;    // an end marker was made up
  struct cjpeg_header header;
  int orientation;
  int eighths;
  struct cjpeg_limits limits;
  unsigned char *pixels;
};

// MARK: The input: all in memory. Where it ends without the end marker, one is made up once, as the
// decoder looks a few bytes ahead; if it then lacks bits, pixels are missing, and that is an error.

static void do_nothing(j_decompress_ptr jpeg) { (void)jpeg; }

static _Noreturn void leave_truncated(j_decompress_ptr jpeg) {
  struct decoder *decoder = (struct decoder *)jpeg;
  char *text = decoder->trap.report->error;
  if (jpeg->output_scanline > 0)
    snprintf(text, 200, "the data ends after %zu bytes, at row %u of %u", decoder->count,
             jpeg->output_scanline, jpeg->output_height);
  else
    snprintf(text, 200, "the data ends after %zu bytes, before the image does", decoder->count);
  trap_leave((j_common_ptr)jpeg, CJPEG_TRUNCATED);
}

static boolean on_end_of_input(j_decompress_ptr jpeg) {
  static const unsigned char end[] = {0xFF, JPEG_EOI};
  struct decoder *decoder = (struct decoder *)jpeg;
  // Of several scans nobody knows whether the last was there.
  if (decoder->is_ended || !decoder->is_in_scan || jpeg_has_multiple_scans(jpeg))
    leave_truncated(jpeg);
  decoder->is_ended = 1;
  decoder->source.next_input_byte = end;
  decoder->source.bytes_in_buffer = sizeof end;
  return TRUE;
}

// Bits are missing, and zeros would take their place.
static void on_warning(j_common_ptr codec) {
  struct decoder *decoder = (struct decoder *)codec;
  if (decoder->is_ended && codec->err->msg_code == JWRN_HIT_MARKER)
    leave_truncated(&decoder->jpeg);
}

static void skip(j_decompress_ptr jpeg, long count) {
  if (count <= 0) return;
  if ((size_t)count > jpeg->src->bytes_in_buffer) leave_truncated(jpeg);
  jpeg->src->next_input_byte += count;
  jpeg->src->bytes_in_buffer -= (size_t)count;
}

static void install_source(struct decoder *decoder) {
  decoder->source = (struct jpeg_source_mgr){
      .next_input_byte = decoder->bytes,
      .bytes_in_buffer = decoder->count,
      .init_source = do_nothing,
      .fill_input_buffer = on_end_of_input,
      .skip_input_data = skip,
      .resync_to_restart = jpeg_resync_to_restart,
      .term_source = do_nothing,
  };
  decoder->jpeg.src = &decoder->source;
}

// MARK: The header

// Notes where the first EXIF block is, and skips it.
static boolean on_app1(j_decompress_ptr jpeg) {
  struct decoder *decoder = (struct decoder *)jpeg;
  struct jpeg_source_mgr *source = jpeg->src;
  if (source->bytes_in_buffer < 2) leave_truncated(jpeg);
  // The segment's length counts its own two bytes.
  long length = source->next_input_byte[0] << 8 | source->next_input_byte[1];
  const unsigned char *data = source->next_input_byte + 2;
  if (length >= 8 && (size_t)length <= source->bytes_in_buffer &&
      memcmp(data, "Exif\0\0", 6) == 0 && decoder->header.exif_count == 0) {
    decoder->header.exif_offset = (size_t)(data + 6 - decoder->bytes);
    decoder->header.exif_count = (size_t)length - 8;
  }
  skip(jpeg, length < 2 ? 2 : length);
  return TRUE;
}

static void read_header(void *state) {
  struct decoder *decoder = state;
  jpeg_create_decompress(&decoder->jpeg);
  install_source(decoder);
  jpeg_set_marker_processor(&decoder->jpeg, JPEG_APP0 + 1, on_app1);
  jpeg_read_header(&decoder->jpeg, TRUE);
  decoder->header.width = (int)decoder->jpeg.image_width;
  decoder->header.height = (int)decoder->jpeg.image_height;
}

enum cjpeg_status cjpeg_read_header(const unsigned char *bytes, size_t count,
                                    struct cjpeg_header *header, struct cjpeg_report *report) {
  struct decoder decoder = {.bytes = bytes, .count = count};
  decoder.jpeg.err = trap_install(&decoder.trap, report);
  enum cjpeg_status status = trap_run(&decoder.trap, read_header, &decoder);
  jpeg_destroy_decompress(&decoder.jpeg);
  *header = decoder.header;
  return status;
}

// MARK: The pixels

// Called at least once per row of blocks and pass: the only place to stop endless passes.
static void on_progress(j_common_ptr codec) {
  struct decoder *decoder = (struct decoder *)codec;
  if (decoder->jpeg.input_scan_number > decoder->limits.scans) {
    snprintf(decoder->trap.report->error, 200, "more than %d scans", decoder->limits.scans);
    trap_leave(codec, CJPEG_TOO_MANY_SCANS);
  }
}

// Programs of Adobe's, which mark their files, store ink inverted: 255 for none.
static void convert_from_cmyk(unsigned char *rgb, const unsigned char *cmyk, int count,
                              int is_inverted) {
  int mask = is_inverted ? 0 : 255;
  for (int i = 0; i < count; i++, rgb += 3, cmyk += 4) {
    int light = cmyk[3] ^ mask;
    for (int c = 0; c < 3; c++) rgb[c] = (unsigned char)(((cmyk[c] ^ mask) * light + 127) / 255);
  }
}

// Where the pixels of a stored row go in the upright picture.
struct placement {
  ptrdiff_t origin;  // of the stored picture's top left pixel; in bytes, like the steps
  ptrdiff_t right;   // step to the pixel on its right
  ptrdiff_t down;    // step to the pixel below
};

// EXIF 2.3, tag 0x0112: which sides of the upright picture the stored row 0 and column 0 are on.
static struct placement placement(int orientation, ptrdiff_t width, ptrdiff_t height) {
  int is_transposed = orientation >= 5;
  ptrdiff_t row = 3 * (is_transposed ? height : width);
  ptrdiff_t right = is_transposed ? row : 3;
  ptrdiff_t down = is_transposed ? 3 : row;
  int from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  int from_below = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  struct placement result = {0, right, down};
  if (from_right) {
    result.origin += (width - 1) * right;
    result.right = -right;
  }
  if (from_below) {
    result.origin += (height - 1) * down;
    result.down = -down;
  }
  return result;
}

static void decode(void *state) {
  struct decoder *decoder = state;
  struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
  read_header(decoder);
  jpeg->mem->max_memory_to_use = decoder->limits.memory;
  decoder->progress.progress_monitor = on_progress;
  jpeg->progress = &decoder->progress;

  int is_cmyk = jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
  jpeg->out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
  jpeg->dct_method = JDCT_ISLOW;
  jpeg->do_fancy_upsampling = TRUE;
  jpeg->scale_num = (unsigned)decoder->eighths;
  jpeg->scale_denom = 8;
  decoder->trap.on_warning = on_warning;
  decoder->is_in_scan = 1;
  jpeg_start_decompress(jpeg);

  int width = cjpeg_scaled(decoder->header.width, decoder->eighths);
  int height = cjpeg_scaled(decoder->header.height, decoder->eighths);
  if ((int)jpeg->output_width != width || (int)jpeg->output_height != height) {
    snprintf(decoder->trap.report->error, 200, "libjpeg cannot scale to %d/8", decoder->eighths);
    trap_leave((j_common_ptr)jpeg, CJPEG_UNSUPPORTED);
  }
  struct placement place = placement(decoder->orientation, width, height);
  int is_in_place = decoder->orientation == 1 && !is_cmyk;
  JSAMPARRAY rows = jpeg->mem->alloc_sarray((j_common_ptr)jpeg, JPOOL_IMAGE,
                                            (JDIMENSION)width * (is_cmyk ? 7 : 3), 1);
  unsigned char *converted = rows[0] + (is_cmyk ? 4 * (size_t)width : 0);
  while (jpeg->output_scanline < jpeg->output_height) {
    unsigned char *target =
        decoder->pixels + place.origin + (ptrdiff_t)jpeg->output_scanline * place.down;
    JSAMPROW row = is_in_place ? target : rows[0];
    jpeg_read_scanlines(jpeg, &row, 1);
    if (is_in_place) continue;
    if (is_cmyk) convert_from_cmyk(converted, row, width, jpeg->saw_Adobe_marker);
    for (int x = 0; x < width; x++, target += place.right) memcpy(target, converted + 3 * x, 3);
  }
  if (decoder->is_ended && decoder->trap.report->warning_count++ == 0)
    snprintf(decoder->trap.report->warning, 200, "the end marker is missing");
  // Not jpeg_finish_decompress: it reads on to the end of the file, and what is wrong there takes
  // nothing from the picture.
}

int cjpeg_scaled(int side, int eighths) { return (side * eighths + 7) / 8; }

enum cjpeg_status cjpeg_decode(const unsigned char *bytes, size_t count, int orientation,
                               int eighths, const struct cjpeg_limits *limits,
                               unsigned char *pixels, struct cjpeg_report *report) {
  struct decoder decoder = {
      .bytes = bytes,
      .count = count,
      .orientation = orientation,
      .eighths = eighths,
      .limits = *limits,
      .pixels = pixels,
  };
  decoder.jpeg.err = trap_install(&decoder.trap, report);
  enum cjpeg_status status = trap_run(&decoder.trap, decode, &decoder);
  jpeg_destroy_decompress(&decoder.jpeg);
  return status;
}
