# frozen_string_literal: true

# Turns a resource type into one that does nothing, for manifests that declare
# resources of a service that is not running while its configuration is
# generated: users of a database, endpoints of Keystone.
#
# Puppet's tags are not enough for that: a type's provider is asked for what is
# there already, whatever the tags, and fails where nothing answers.
Puppet::Functions.create_function(:noop_resource) do
  # @param type_name The resource type's name, in any case.
  # @return [Undef]
  dispatch :silence do
    param 'String[1]', :type_name
  end

  def silence(type_name)
    type = Puppet::Type.type(type_name.downcase.to_sym)
    # A manifest may name types of modules that this image has no use for.
    return if type.nil?

    type.defaultprovider = type.provider(:slipway_noop) || provide(type)
    skip(type)
    nil
  end

  # Puppet passes over virtual resources; nothing of them is even looked at.
  def skip(type)
    type.define_method(:virtual?) { true }
  end

  # A provider that asks nobody. Resources get it before they are passed over.
  def provide(type)
    type.provide(:slipway_noop) do
      desc 'Does nothing.'
      # Values that need a feature are refused where the provider lacks it.
      has_features(*resource_type.features)

      def self.instances
        []
      end

      def self.prefetch(_resources); end

      # Types ask for these while they work out what depends on what.
      resource_type.validproperties.each do |property|
        define_method(property) { :absent }
      end
    end
  end
end
