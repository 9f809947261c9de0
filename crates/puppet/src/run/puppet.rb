# frozen_string_literal: true

# The `puppet` command, for a run in a container.

# Disables garbage collection while the process is small: most objects that loading and compiling
# allocate live until the end.
module Memory
  LIMIT = 128 << 20
  PAGE = 4096

  module_function

  def watch
    GC.disable
    Thread.new do
      sleep 0.1 until File.read('/proc/self/statm').split[1].to_i * PAGE > LIMIT
      GC.enable
    rescue SystemCallError
      GC.enable
    end
  end
end
Memory.watch

# A cache of compiled Ruby code, from one run of an image to the next.
#
# An entry is valid only for a file of the same size and modification time.
module CompiledCode
  # The file of an earlier run of this image, which Slipway mounts.
  KEPT = '/slipway/compiled'
  FORMAT = [RUBY_DESCRIPTION, 2].freeze
  # A run that compiled fewer files than this writes nothing.
  FEWEST = 32
  LARGEST = 48 << 20

  module_function

  # Uses the code in KEPT. At the end, writes it to +path+ with the code that this run compiled.
  def use(path)
    return unless defined?(RubyVM::InstructionSequence.load_from_binary)

    @kept = kept
    @compiled = {}
    at_exit { write(path) }
    code = self
    RubyVM::InstructionSequence.singleton_class.define_method(:load_iseq) { |file| code.of(file) }
  end

  def kept
    format, files = Marshal.load(File.binread(KEPT)) # rubocop:disable Security/MarshalLoad
    format == FORMAT ? files : {}
  rescue SystemCallError, ArgumentError, TypeError, EOFError
    {}
  end

  # Returns the code of a file; nil lets Ruby load the file.
  def of(file)
    status = File.stat(file)
    size, time, binary = @kept[file]
    if size == status.size && time == status.mtime.to_r
      RubyVM::InstructionSequence.load_from_binary(binary)
    else
      code = RubyVM::InstructionSequence.compile_file(file)
      @compiled[file] = [status.size, status.mtime.to_r, code]
      code
    end
  rescue StandardError, SyntaxError
    nil
  end

  def write(path)
    return if @compiled.size < FEWEST

    compiled = @compiled.transform_values { |size, time, code| [size, time, code.to_binary] }
    text = Marshal.dump([FORMAT, @kept.merge(compiled)])
    File.binwrite(path, text, perm: 0o600) if text.bytesize <= LARGEST
  rescue StandardError
    # Without the cache, the next run compiles the files again.
    nil
  end
end

if (path = ENV.delete('SLIPWAY_COMPILED'))
  CompiledCode.use(path)
end

# Compiling the catalogue runs the same code paths of Ruby and Puppet many times.
RubyVM::YJIT.enable if defined?(RubyVM::YJIT.enable)

require 'json'
require 'puppet/util/command_line'
require 'puppet'
require 'puppet/indirector/facts/facter'
require 'puppet/pops'

# Answers lookups of single facts, by functions and providers, from the known facts.
#
# For an undefined fact, Facter loads the custom facts of all modules at each lookup. Here a fact has
# no value if it is neither known nor a legacy fact of Facter's, unless this process adds it.
module KnownFacts
  def value(name)
    name = name.to_s.downcase
    answer = slipway_answer(name)
    answer.equal?(KnownFacts) ? super : answer
  end

  # Sets the known facts, which are all facts.
  def slipway_know(facts)
    @slipway_known = facts
    @slipway_added = {}
    @slipway_undefined = {}
  end

  %i[add define_fact].each do |change|
    define_method(change) do |name, *rest, **options, &block|
      @slipway_added[name.to_s.downcase] = true if @slipway_known
      super(name, *rest, **options, &block)
    end
  end

  %i[clear reset].each do |change|
    define_method(change) do |*arguments, &block|
      slipway_know(@slipway_known) if @slipway_known
      super(*arguments, &block)
    end
  end

  def flush(...)
    @slipway_undefined = {}
    super
  end

  # These calls may add facts, so the known ones are no longer all.
  %i[load_external loadfacts search search_external].each do |change|
    define_method(change) do |*arguments, &block|
      @slipway_known = nil
      super(*arguments, &block)
    end
  end

  private

  # Returns the value of a fact, or KnownFacts itself if Facter must answer.
  def slipway_answer(name)
    return KnownFacts if @slipway_known.nil?

    root = name.split('.').first
    return KnownFacts if @slipway_added.include?(root)
    return @slipway_known[name] if @slipway_known.include?(name)
    return slipway_part(name) if @slipway_known.include?(root)
    return nil if @slipway_undefined.include?(name)
    return KnownFacts if slipway_legacy?(name)

    @slipway_undefined[name] = true
    nil
  end

  def slipway_part(name)
    name.split('.').reduce(@slipway_known) do |facts, part|
      case facts
      when Hash then facts[part]
      when Array then part.match?(/\A\d+\z/) ? facts[part.to_i] : nil
      end
    end
  end

  # Facter's own facts with old names are missing from the list of all facts.
  def slipway_legacy?(name)
    own = Facter::FactLoader.instance.load_internal_facts([name], Facter::Options.get)
    Facter::QueryParser.parse([name], own).any? { |fact| fact.type == :legacy }
  end
end

# Does not load the providers of types that use Slipway's provider without effect (see the class
# slipway::packages). A provider that a manifest names is still loaded, by its name.
module UnusedProviders
  PATHS = %w[package service user group].map { |type| "puppet/provider/#{type}" }.freeze

  def loadall(*)
    super unless PATHS.include?(path)
  end
end

# Runs Puppet, with the inputs and the records that Slipway needs.
module Slipway
  module_function

  # Runs the command. These variables of the environment name files:
  #
  # SLIPWAY_RECORD    gets every hiera key that is looked up, one JSON string a line. The result
  #                   depends on the values of these keys, also on missing ones.
  # SLIPWAY_FACTS     the facts to use
  # SLIPWAY_FOUND     gets the facts, if SLIPWAY_FACTS is not set
  # SLIPWAY_COMPILED  gets the compiled code
  def run(arguments)
    record = ENV.delete('SLIPWAY_RECORD')
    record_lookups(record) if record
    facts = ENV.delete('SLIPWAY_FACTS')
    found = ENV.delete('SLIPWAY_FOUND')
    use_facts(facts) if facts
    write_facts(found) if found && !facts
    # Without this option, Puppet looks up its own account through the providers of users.
    arguments = [*arguments, '--no-manage_internal_file_permissions']
    Puppet::Util::CommandLine.new('puppet', arguments).execute
  end

  def know(facts)
    # Only now: custom facts may look up providers, and all facts are collected by now.
    Puppet::Util::Autoload.prepend(UnusedProviders)
    require 'facter'
    return unless defined?(Facter::QueryParser.parse) && Facter::FactLoader.method_defined?(:load_internal_facts)

    Facter.singleton_class.prepend(KnownFacts)
    Facter.slipway_know(facts)
  rescue LoadError
    nil
  end

  def record_lookups(path)
    record = File.open(path, File::WRONLY | File::APPEND | File::CREAT, 0o600)
    record.sync = true
    known = {}
    Puppet::Pops::Lookup::LookupAdapter.prepend(
      Module.new do
        define_method(:lookup) do |key, *rest|
          # `a.b` looks up the key `a`.
          root = Puppet::Pops::Lookup::LookupKey.new(key).root_key.to_s
          record.puts(JSON.generate(root)) unless known.include?(root)
          known[root] = true
          super(key, *rest)
        end
      end
    )
  end

  def use_facts(path)
    Puppet::Node::Facts::Facter.prepend(
      Module.new do
        define_method(:find) do |request|
          self.class.setup_external_search_paths(request)
          self.class.setup_search_paths(request)
          Puppet.initialize_facts
          facts = JSON.parse(File.read(path))
          Slipway.know(facts)
          Puppet::Node::Facts.new(request.key, facts)
        end
      end
    )
  end

  def write_facts(path)
    Puppet::Node::Facts::Facter.prepend(
      Module.new do
        define_method(:find) do |request|
          super(request).tap do |facts|
            File.write(path, JSON.generate(facts.values), perm: 0o600)
            Slipway.know(facts.values)
          end
        end
      end
    )
  end
end

Slipway.run(ARGV) if $PROGRAM_NAME == __FILE__
