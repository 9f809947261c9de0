# frozen_string_literal: true

# Puppet, loaded once for several runs of one image, one after another.
#
# Slipway says `run` whenever it has put a file system of a run's own where
# WORLD is. A fork goes there, does what a container of the run's own would have
# done (run.sh), and ends; all that it left running is ended, too. The answer is
# `exit` and its code, and `last` where no other run can follow.
#
# When Slipway is gone, so is this, with all that it started: it is the first
# process of its container.

require 'English'
require 'io/wait'
require 'socket'
require_relative 'puppet'

IN = '/slipway/in'
OUT = '/slipway/out'
WORLD = '/slipway/world'

# Loading, and what is kept from run to run.
module Loaded
  # Prepared for by every run, or by nearly every one.
  TYPES = %i[file user group package service cron exec notify anchor].freeze
  # The C library's prctl and capset, where Ruby can call them.
  CALLS =
    begin
      require 'fiddle'
      number, pointer = Fiddle::TYPE_LONG, Fiddle::TYPE_VOIDP
      [['prctl', [number] * 5], ['capset', [pointer] * 2]].map do |name, types|
        Fiddle::Function.new(Fiddle::Handle::DEFAULT[name], types, Fiddle::TYPE_INT)
      end
    rescue LoadError, Fiddle::DLError
      nil
    end
  SYS_CHROOT = 18

  module_function

  # Everything that a run would load for itself, from the same files.
  def load(arguments, tags)
    require 'facter'
    require 'puppet/application/apply'
    require 'puppet/configurer'
    require 'puppet/face'
    # Facter's own classes; what they find out is asked for again by each run.
    Puppet.runtime[:facter].value('kernel')
    unheard { as_in_a_run(arguments) { (TYPES + tags).each { |type| load_type(type) } } }
  end

  # What nobody listens to would be told to the first run.
  def unheard(&)
    Puppet::Util::Log.with_destination(Puppet::Test::LogCollector.new([]), &)
  end

  # With Puppet's settings and modules; afterwards, none have been read yet.
  def as_in_a_run(arguments)
    settings = Puppet.settings
    return unless settings.respond_to?(:clear_everything_for_tests, true)

    Puppet.mark_context(:slipway)
    Puppet.initialize_settings(arguments)
    environment = Puppet.lookup(:environments).get(Puppet[:environment])
    folders = environment.enum_for(:each_plugin_directory).to_a - $LOAD_PATH
    $LOAD_PATH.concat(folders)
    Puppet.override({ current_environment: environment }, 'to load types') { yield }
    Puppet.rollback_context(:slipway)
    settings.send(:clear_everything_for_tests)
    # Those of gems stay: a gem is added only once.
    $LOAD_PATH.reject! { |folder| folders.include?(folder) }
  end

  # A tag need not be a type, and a type that does not load is for the run to tell of.
  def load_type(name)
    Puppet::Type.type(name)
  rescue StandardError, LoadError, SyntaxError
    nil
  end

  # In a fork, so that what is found out is not known here. Puppet looks for facts first of all.
  def find_facts(arguments, path)
    fork do
      Slipway.keep_facts(path) { exit!(0) }
      $stdout.reopen(File::NULL)
      Puppet::Util::CommandLine.new('puppet', arguments).execute
    end
  end

  def run
    pid = fork { forked }
    _, status = Process.wait2(pid)
    end_the_rest
    status.exitstatus || (128 + status.termsig)
  end

  def forked
    Dir.chroot(WORLD)
    Dir.chdir('/')
    $stdin.reopen(File::NULL)
    log = File.open("#{IN}/log", File::WRONLY)
    [$stdout, $stderr].each { |stream| stream.reopen(log).sync = true }
    log.close
    settle_in
    environment, arguments = before
    ENV.replace(environment)
    at_exit { after($ERROR_INFO) }
    Slipway.run(arguments)
  end

  # What a container's own process would have been given.
  def before
    said = IO.popen(['sh', "#{IN}/run.sh", 'before'], &:read)
    exit!($CHILD_STATUS.exitstatus || 91) unless $CHILD_STATUS.success?
    environment, arguments = said.split("\0\0", 2)
    environment = environment.split("\0").to_h { |entry| entry.split('=', 2) }
    arguments = arguments.split("\0", -1)[0..-2]
    [environment, arguments.drop(arguments.index("#{IN}/puppet.rb") + 1)]
  end

  # Handlers that were there before it have run: this is the first of all.
  def after(error)
    warn(error.full_message) unless error.nil? || error.is_a?(SystemExit)
    code = error.is_a?(SystemExit) ? error.status : 1
    code = 0 if error.nil?
    exec('sh', "#{IN}/run.sh", 'after', code.to_s)
  end

  # Takes from a run the way out of its root. What has more capabilities than a run cannot be
  # looked into by it, either: this is so with what it was forked from.
  def settle_in
    return if CALLS.nil?

    prctl, capset = CALLS
    own = File.read('/proc/self/status')[/^CapPrm:\s*(\h+)/, 1].to_i(16) & ~(1 << SYS_CHROOT)
    low, high = own & 0xffffffff, own >> 32
    prctl.call(24, SYS_CHROOT, 0, 0, 0) # PR_CAPBSET_DROP
    capset.call([0x20080522, 0].pack('L2'), [low, low, 0, high, high, 0].pack('L6'))
  end

  def end_the_rest
    Process.kill(:KILL, -1)
    loop { Process.wait }
  rescue Errno::ESRCH, Errno::ECHILD
    nil
  end

  # What runs share beside the image and its modules.
  def shared
    Dir.glob('/dev/{*,shm/**/*,mqueue/*}', File::FNM_DOTMATCH).to_h do |path|
      status = File.lstat(path)
      [path, [status.mode, status.uid, status.gid, status.rdev]]
    end
  end
end

control = UNIXSocket.new("#{OUT}/control")
found = ENV.delete('SLIPWAY_FOUND')
ENV.delete('SLIPWAY_RECORD')
finder = Loaded.find_facts(ARGV, found) if found && File.exist?("#{IN}/find-facts")
Loaded.load(ARGV, File.read("#{IN}/tags").split(',').map(&:to_sym))
Process.wait(finder) if finder
ENV.delete_if { |name, _| name.start_with?('RUBY_GC_') }
Process.warmup if Process.respond_to?(:warmup)
before = Loaded.shared
control.puts('ready')

while control.gets
  # Nobody is left to run for once the other end is gone.
  watch = Thread.new { exit!(0) if control.wait_readable }
  code = Loaded.run
  watch.kill.join
  control.puts("exit #{code}#{' last' unless Loaded.shared == before}")
end
