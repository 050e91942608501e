/* Standardization as AUCMEDI 0.11 and Keras imagenet_utils do it.
 *
 * z-score (x - mean + e) / (std + e), population standard deviation; minmax (x - min + e) / (max - min + e);
 * grayscale round_half_even(255 * minmax); e = 1e-6; statistics over all pixels and channels.
 * tf x / 127.5 - 1; torch (x / 255 - mean) / std; caffe BGR minus the ImageNet mean. These three refuse values outside
 * 0...255, and torch and caffe need three channels.
 * The first three are computed in float64 with sums in memory order, so that the result does not depend on the number of
 * lanes; the last three in float32, one rounding per operation, as Keras does.
 */
#include "engine.h"

static const double EPSILON = 1e-6;
static const float TORCH_MEAN[3] = {0.485f, 0.456f, 0.406f};
static const float TORCH_DEVIATION[3] = {0.229f, 0.224f, 0.225f};
static const float CAFFE_MEAN[3] = {103.939f, 116.779f, 123.68f};

static void score(image *picture) {
    size_t length = image_length(picture);
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < length; i++) sum += picture->values[i];
    double mean = sum / (double)length;
    for (size_t i = 0; i < length; i++) {
        double difference = picture->values[i] - mean;
        squares += difference * difference;
    }
    double divisor = __builtin_sqrt(squares / (double)length) + EPSILON;
    for (size_t i = 0; i < length; i++) picture->values[i] = (float)((picture->values[i] - mean + EPSILON) / divisor);
}

static void stretch(image *picture, int to_gray_levels) {
    size_t length = image_length(picture);
    double least = picture->values[0], most = least;
    for (size_t i = 1; i < length; i++) {
        double value = picture->values[i];
        least = value < least ? value : least;
        most = value > most ? value : most;
    }
    double divisor = most - least + EPSILON;
    for (size_t i = 0; i < length; i++) {
        double value = (picture->values[i] - least + EPSILON) / divisor;
        picture->values[i] = (float)(to_gray_levels ? __builtin_rint(value * 255.0) : value);
    }
}

static void apply_tf(image *picture) {
    size_t length = image_length(picture);
    for (size_t i = 0; i < length; i++) picture->values[i] = picture->values[i] / 127.5f - 1.0f;
}

static void apply_torch(image *picture) {
    size_t length = image_length(picture);
    for (size_t i = 0; i < length; i += 3) {
        for (size_t c = 0; c < 3; c++) {
            picture->values[i + c] = (picture->values[i + c] / 255.0f - TORCH_MEAN[c]) / TORCH_DEVIATION[c];
        }
    }
}

static void apply_caffe(image *picture) {
    size_t length = image_length(picture);
    float *values = picture->values;
    for (size_t i = 0; i < length; i += 3) {
        float red = values[i];
        values[i] = values[i + 2] - CAFFE_MEAN[0];
        values[i + 1] = values[i + 1] - CAFFE_MEAN[1];
        values[i + 2] = red - CAFFE_MEAN[2];
    }
}

status standardize(image *picture, uint32_t mode) {
    int is_keras = mode == MODE_TF || mode == MODE_CAFFE || mode == MODE_TORCH;
    if ((mode == MODE_CAFFE || mode == MODE_TORCH) && picture->channels != 3) return STATUS_STEP_CHANNELS;
    if (is_keras && !values_within_bytes(picture)) return STATUS_VALUE_RANGE;
    status made = make_float(picture);
    if (made != STATUS_OK) return made;
    switch (mode) {
    case MODE_NONE: return STATUS_OK;
    case MODE_Z_SCORE: score(picture); return STATUS_OK;
    case MODE_MINMAX: stretch(picture, 0); return STATUS_OK;
    case MODE_GRAYSCALE: stretch(picture, 1); return STATUS_OK;
    case MODE_TF: apply_tf(picture); return STATUS_OK;
    case MODE_CAFFE: apply_caffe(picture); return STATUS_OK;
    case MODE_TORCH: apply_torch(picture); return STATUS_OK;
    default: return STATUS_PROGRAM_PARAMETER;
    }
}
