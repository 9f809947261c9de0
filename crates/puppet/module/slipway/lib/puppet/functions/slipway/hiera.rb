# frozen_string_literal: true

require 'json'

# A Hiera 5 backend for JSON files that writes down which keys were asked for.
#
# A run's result depends on the values of exactly these keys, found or not, so
# that a later run with the same values for them need not take place.
Puppet::Functions.create_function(:'slipway::hiera') do
  dispatch :find do
    param 'Variant[String, Numeric]', :key
    param 'Struct[{ path => String[1], record => String[1] }]', :options
    param 'Puppet::LookupContext', :context
  end

  def find(key, options, context)
    note(key, options['record'])
    data = context.cached_file_data(options['path']) { |text| JSON.parse(text) }
    return context.not_found unless data.include?(key)

    # Keys named inside the value are looked up in turn, and so written down.
    context.interpolate(data[key])
  end

  # One JSON string a line: keys may hold anything.
  def note(key, record)
    @noted ||= {}
    return if @noted.include?(key)

    @noted[key] = true
    File.open(record, File::WRONLY | File::APPEND | File::CREAT, 0o600) do |file|
      file.puts(JSON.generate(key.to_s))
    end
  end
end
