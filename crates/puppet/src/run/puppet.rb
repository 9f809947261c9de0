# frozen_string_literal: true

# The `puppet` command, for a run in a container.

# Most of the time goes into compiling Ruby's and Puppet's own code paths.
RubyVM::YJIT.enable if defined?(RubyVM::YJIT.enable)

require 'json'
require 'puppet/util/command_line'
require 'puppet'
require 'puppet/indirector/facts/facter'
require 'puppet/pops'

# Facter looks everywhere for a fact that nobody defines, again each time that it
# is asked for; providers ask once for every resource.
module UndefinedFacts
  def value(name)
    name = name.to_s.downcase
    return if @undefined&.include?(name)

    # What is asked for first may have facts added, and what is known forgotten.
    value = super
    (@undefined ||= {})[name] = true if value.nil? && !defined_by_anybody?(name)
    value
  end

  def defined_by_anybody?(name)
    LegacyFacter.collection.custom_facts.include?(name.split('.').first.to_sym)
  end

  %i[add clear define_fact flush load_external loadfacts reset search search_external].each do |change|
    define_method(change) do |*arguments, **options, &block|
      @undefined = nil
      super(*arguments, **options, &block)
    end
  end
end

# What Slipway wants to know of a run, and hands in.
module Slipway
  module_function

  # Runs the command. What is asked for besides comes by the environment:
  #
  # SLIPWAY_RECORD names a file that every hiera key that is asked for is written
  # to, one JSON string a line: the run's result depends on the values of these
  # keys, found or not. SLIPWAY_FACTS names a file to take the facts from;
  # SLIPWAY_FOUND, where that is not given, one for what Facter finds out.
  def run(arguments)
    remember_undefined_facts
    record = ENV.delete('SLIPWAY_RECORD')
    record_lookups(record) if record
    given = ENV.delete('SLIPWAY_FACTS')
    found = ENV.delete('SLIPWAY_FOUND')
    take_facts(given) if given
    keep_facts(found) if found && !given
    Puppet::Util::CommandLine.new('puppet', arguments).execute
  end

  def remember_undefined_facts
    require 'facter'
    Facter.singleton_class.prepend(UndefinedFacts) if LegacyFacter.collection.respond_to?(:custom_facts)
  rescue LoadError, NameError
    nil
  end

  def record_lookups(path)
    noted = File.open(path, File::WRONLY | File::APPEND | File::CREAT, 0o600)
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

  def take_facts(path)
    Puppet::Node::Facts::Facter.prepend(
      Module.new do
        define_method(:find) do |request|
          # Functions and providers may still ask Facter for single facts.
          self.class.setup_external_search_paths(request)
          self.class.setup_search_paths(request)
          Puppet.initialize_facts
          Puppet::Node::Facts.new(request.key, JSON.parse(File.read(path)))
        end
      end
    )
  end

  def keep_facts(path, &done)
    Puppet::Node::Facts::Facter.prepend(
      Module.new do
        define_method(:find) do |request|
          super(request).tap do |facts|
            # Beside and renamed: whoever waits for them finds all or none.
            File.write("#{path}.new", JSON.generate(facts.values), perm: 0o600)
            File.rename("#{path}.new", path)
            done&.call
          end
        end
      end
    )
  end
end

Slipway.run(ARGV) if $PROGRAM_NAME == __FILE__
