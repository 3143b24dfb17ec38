#include "trap.h"

// One call's arguments and state.
struct encoder {
  struct jpeg_compress_struct jpeg;  // first, so that a pointer to it is one to the encoder
  struct trap trap;
  struct jpeg_destination_mgr destination;
  const unsigned char *pixels;
  int width;
  int height;
  struct cjpeg_encoding encoding;
};

static void do_nothing(j_compress_ptr jpeg) { (void)jpeg; }

static boolean on_full_buffer(j_compress_ptr jpeg) {
  struct encoder *encoder = (struct encoder *)jpeg;
  snprintf(encoder->trap.report->error, 200, "the output does not fit its buffer");
  trap_leave((j_common_ptr)jpeg, CJPEG_BUFFER_FULL);
}

static void encode(void *state) {
  struct encoder *encoder = state;
  const struct cjpeg_encoding *encoding = &encoder->encoding;
  struct jpeg_compress_struct *jpeg = &encoder->jpeg;
  jpeg_create_compress(jpeg);
  jpeg->dest = &encoder->destination;
  jpeg->image_width = (JDIMENSION)encoder->width;
  jpeg->image_height = (JDIMENSION)encoder->height;
  jpeg->input_components = 3;
  jpeg->in_color_space = JCS_RGB;
  jpeg_set_defaults(jpeg);
  if (encoding->gray) jpeg_set_colorspace(jpeg, JCS_GRAYSCALE);
  jpeg->comp_info[0].h_samp_factor = encoding->subsampled ? 2 : 1;
  jpeg->comp_info[0].v_samp_factor = encoding->subsampled ? 2 : 1;
  jpeg_set_quality(jpeg, encoding->quality, TRUE);
  jpeg->dct_method = JDCT_ISLOW;
  if (encoding->progressive) jpeg_simple_progression(jpeg);

  jpeg_start_compress(jpeg, TRUE);
  while (jpeg->next_scanline < jpeg->image_height) {
    size_t offset = (size_t)jpeg->next_scanline * (size_t)encoder->width * 3;
    JSAMPROW row = (JSAMPROW)encoder->pixels + offset;
    jpeg_write_scanlines(jpeg, &row, 1);
  }
  jpeg_finish_compress(jpeg);
}

enum cjpeg_status cjpeg_encode(const unsigned char *pixels, int width, int height,
                               const struct cjpeg_encoding *encoding, unsigned char *bytes,
                               size_t *count, struct cjpeg_report *report) {
  struct encoder encoder = {
      .destination =
          {
              .next_output_byte = bytes,
              .free_in_buffer = *count,
              .init_destination = do_nothing,
              .empty_output_buffer = on_full_buffer,
              .term_destination = do_nothing,
          },
      .pixels = pixels,
      .width = width,
      .height = height,
      .encoding = *encoding,
  };
  encoder.jpeg.err = trap_install(&encoder.trap, report);
  enum cjpeg_status status = trap_run(&encoder.trap, encode, &encoder);
  jpeg_destroy_compress(&encoder.jpeg);
  *count -= encoder.destination.free_in_buffer;
  return status;
}
