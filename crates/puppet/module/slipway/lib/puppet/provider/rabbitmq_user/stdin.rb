# frozen_string_literal: true

require 'tempfile'

# The provider that comes with the type gives passwords to rabbitmqctl as
# arguments, where every process list shows them. rabbitmqctl reads them from
# standard input as well. Chosen by `provider => 'stdin'`.
Puppet::Type.type(:rabbitmq_user).provide(
  :stdin,
  parent: Puppet::Type.type(:rabbitmq_user).provider(:rabbitmqctl)
) do
  desc 'Manages users with rabbitmqctl, keeping passwords out of the process list.'

  confine feature: :posix

  def create
    password = resource[:password]
    raise Puppet::Error, "rabbitmq_user #{resource[:name]} has no password" if password.nil?

    with_password(password, 'add_user', resource[:name])
    tags = (resource[:tags] || []).dup
    tags << admin_tag if resource[:admin] == :true
    rabbitmqctl('set_user_tags', resource[:name], tags) unless tags.empty?
    @property_hash[:ensure] = :present
  end

  def password=(password)
    with_password(password, 'change_password', resource[:name])
  end

  def check_password(password)
    with_password(password, 'authenticate_user', resource[:name])
    true
  rescue Puppet::ExecutionFailure
    false
  end

  private

  # Puppet feeds a child's standard input from a file only; this one is root's
  # alone, and gone when the command has ended. rabbitmqctl reads it only where
  # the account's name is its one argument, so it cannot be told to be quiet.
  def with_password(password, *arguments)
    Tempfile.create('slipway-rabbitmq') do |file|
      file.chmod(0o600)
      file.puts(password)
      file.flush
      Puppet::Util::Execution.execute(
        [self.class.command(:rabbitmqctl), *arguments],
        failonfail: true, combine: true, stdinfile: file.path
      )
    end
  end
end
