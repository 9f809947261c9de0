# frozen_string_literal: true

# Disables a resource type, for manifests that declare resources of a service
# that does not run while its configuration is generated, such as users of a
# database or endpoints of Keystone.
#
# Tags are not enough: Puppet asks the provider for existing resources whatever
# the tags, and the provider fails if the service does not answer.
Puppet::Functions.create_function(:noop_resource) do
  # @param type_name The resource type's name, in any case.
  # @return [Undef]
  dispatch :silence do
    param 'String[1]', :type_name
  end

  def silence(type_name)
    type = Puppet::Type.type(type_name.downcase.to_sym)
    # A manifest may name types of modules that this image does not have.
    return if type.nil?

    type.defaultprovider = type.provider(:slipway_noop) || provide(type)
    skip(type)
    nil
  end

  # Makes all resources of the type virtual: Puppet ignores these completely.
  def skip(type)
    type.define_method(:virtual?) { true }
  end

  # Adds a provider that calls no service. Resources get it before Puppet ignores them.
  def provide(type)
    type.provide(:slipway_noop) do
      desc 'Does nothing.'
      # Without a feature, Puppet refuses the values that need it.
      has_features(*resource_type.features)

      def self.instances
        []
      end

      def self.prefetch(_resources); end

      # Types read these properties when they compute dependencies.
      resource_type.validproperties.each do |property|
        define_method(property) { :absent }
      end
    end
  end
end
