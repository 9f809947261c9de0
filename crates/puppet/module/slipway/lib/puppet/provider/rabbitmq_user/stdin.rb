# frozen_string_literal: true

require 'tempfile'

# A provider that passes passwords to rabbitmqctl on standard input. The type's
# own provider passes them as arguments, which every process list shows. Use it
# with `provider => 'stdin'`.
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

  # Puppet can set a child's standard input only to a file. This file is readable
  # by root alone, and is removed when the command has ended. rabbitmqctl reads a
  # password only if the account is its single argument, so --quiet is not possible.
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
