# frozen_string_literal: true

# The `puppet` command, for a run in a container. Where SLIPWAY_RECORD names a
# file, every hiera key that is asked for is written to it, one JSON string a
# line: the run's result depends on the values of these keys, found or not.
#
# Where SLIPWAY_FACTS names a file, the facts are taken from it; otherwise what
# Facter finds out is written to the file that SLIPWAY_FOUND names.

# Most of the time goes into compiling Ruby's and Puppet's own code paths.
RubyVM::YJIT.enable if defined?(RubyVM::YJIT.enable)

require 'puppet/util/command_line'

if (record = ENV.delete('SLIPWAY_RECORD'))
  require 'json'
  require 'puppet'
  require 'puppet/pops'

  noted = File.open(record, File::WRONLY | File::APPEND | File::CREAT, 0o600)
  noted.sync = true
  known = {}
  Puppet::Pops::Lookup::LookupAdapter.prepend(
    Module.new do
      define_method(:lookup) do |key, *rest|
        # `a.b` is the `b` of what `a` holds.
        root = Puppet::Pops::Lookup::LookupKey.new(key).root_key.to_s
        noted.puts(JSON.generate(root)) unless known.include?(root)
        known[root] = true
        super(key, *rest)
      end
    end
  )
end

given = ENV.delete('SLIPWAY_FACTS')
found = ENV.delete('SLIPWAY_FOUND')
if given || found
  require 'json'
  require 'puppet'
  require 'puppet/indirector/facts/facter'

  Puppet::Node::Facts::Facter.prepend(
    Module.new do
      define_method(:find) do |request|
        if given
          # Functions and providers may still ask Facter for single facts.
          self.class.setup_external_search_paths(request)
          self.class.setup_search_paths(request)
          Puppet.initialize_facts
          Puppet::Node::Facts.new(request.key, JSON.parse(File.read(given)))
        else
          super(request).tap do |facts|
            File.write(found, JSON.generate(facts.values), perm: 0o600)
          end
        end
      end
    end
  )
end

Puppet::Util::CommandLine.new('puppet', ARGV).execute
