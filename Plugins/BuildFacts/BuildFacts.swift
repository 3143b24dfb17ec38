import Foundation
import PackagePlugin

/// Gives a target the type `BuildFacts`: the commit that is being built, and the compiler.
///
/// SwiftPM has no variables of a build, and what its manifest knows of git
/// (`Context.gitInformation`) is cached for as long as the manifest stays the same, so that it names
/// an old commit after the next one. A prebuild command runs before each build; `write-facts`
/// touches its file only when a fact has changed, and nothing is compiled again when none has.
@main struct BuildFacts: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
    let package = context.package.directoryURL
    let output = context.pluginWorkDirectoryURL
    return [
      .prebuildCommand(
        displayName: "Noting commit and compiler",
        executable: URL(fileURLWithPath: "/bin/sh"),
        arguments: [
          package.appending(path: "Plugins/BuildFacts/write-facts").path, package.path,
          try context.tool(named: "swiftc").url.path,
          output.appending(path: "BuildFacts.swift").path,
        ],
        outputFilesDirectory: output)
    ]
  }
}
