internal import ArgumentParser

/// The root of all subcommands.
struct Decaf: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decaf",
    abstract: "Deep convolutional activation features (DeCAF) at scale.",
    discussion: """
      Extracts activations of AlexNet-family networks (pool5, fc6, fc7) from lists of images into a \
      store, and trains linear classifiers on them. Start it alone, or on many ranks:

        mpirun -np 8 decaf extract images.txt --model caffenet.caffemodel --output images.store

      The same command with any number of ranks gives the same bytes, and started again after an \
      interruption it continues.

      Exit status: 0 done; 64 wrong usage; 65 bad input data; 70 internal failure; 73 output cannot \
      be written, is locked, or belongs to another job; 75 stopped early, the same command continues.
      """,
    subcommands: [
      ExtractCommand.self, CodebookCommand.self, TrainCommand.self, PredictCommand.self,
      ClassifyCommand.self, FinetuneCommand.self, TrainNetworkCommand.self, EvaluateCommand.self,
      EmbedCommand.self, NeighborsCommand.self, RDMCommand.self, ReportCommand.self,
      ProfileCommand.self, ModelCommand.self, ListCommand.self, MergeCommand.self,
      SubsetCommand.self, InfoCommand.self, VerifyCommand.self, ImportCommand.self,
      ExportCommand.self, SelfTestCommand.self,
      ProbeImageCommand.self,
    ])

  @OptionGroup var version: VersionOptions
}
