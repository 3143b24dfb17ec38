package import Tensors

extension Engine {
  /// The place of the input `number`, 3×227×227, to be written before `run`; see `InputWriter`.
  /// Threads may write different ones at once.
  package func input(_ number: Int) -> ImagePlace { inputs[number] }
}
