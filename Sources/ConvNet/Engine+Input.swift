package import Tensors

extension Engine {
  /// The place of the batch's image `image`, 3×227×227, to be written before `run`; see
  /// `InputWriter`. Threads may write different images at once.
  package func input(_ image: Int) -> FeatureMap { inputs[image] }
}
