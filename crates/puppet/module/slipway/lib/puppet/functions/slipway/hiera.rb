# frozen_string_literal: true

require 'json'

# A Hiera 5 backend for JSON files that records the keys that are looked up.
#
# The result of a run depends on the values of exactly these keys, also on
# missing ones. A later run with the same values is not necessary.
Puppet::Functions.create_function(:'slipway::hiera') do
  dispatch :find do
    param 'Variant[String, Numeric]', :key
    param 'Struct[{ path => String[1], record => String[1] }]', :options
    param 'Puppet::LookupContext', :context
  end

  def find(key, options, context)
    record(key, options['record'])
    data = context.cached_file_data(options['path']) { |text| JSON.parse(text) }
    return context.not_found unless data.include?(key)

    # Keys inside the value are looked up too, and so recorded.
    context.interpolate(data[key])
  end

  # Writes one JSON string a line, because a key may contain line ends.
  def record(key, file_name)
    @recorded ||= {}
    return if @recorded.include?(key)

    @recorded[key] = true
    File.open(file_name, File::WRONLY | File::APPEND | File::CREAT, 0o600) do |file|
      file.puts(JSON.generate(key.to_s))
    end
  end
end
