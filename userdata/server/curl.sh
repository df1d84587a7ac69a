# shellcheck shell=bash
# Part of server.conf, which the boot script, its parts, backup and restore source.
# curl_option NAME VALUE: a line of curl's configuration, for its standard input, whatever the value contains. Between
# quotes a backslash begins \\ \" \t \n \r \v, and is dropped before any other letter (man 1 curl, --config).
curl_option() {
  local value=${2//\\/\\\\}
  value=${value//\"/\\\"}
  printf '%s = "%s"\n' "$1" "${value//$'\n'/\\n}"
}
