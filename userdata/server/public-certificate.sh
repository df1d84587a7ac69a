#!/bin/bash
# Gets the public certificate of `domain`, and renews it when a third of its lifetime is left (certbot's rule). Installed
# as /etc/monitoring/public-certificate, run by monitoring-certificate.service.
#   public-certificate serve: has HAProxy show the public certificate if there is a valid one, otherwise the stack's own
#   public-certificate status: the seconds until it expires, for Telegraf, in InfluxDB's line protocol; 0 without one
set -euo pipefail
# shellcheck source=/dev/null
. /etc/monitoring/acme.conf
# The certificate without its key, for Telegraf.
shown=/etc/monitoring/public.pem
# Each authority has its own folder: a certificate from a test authority must not pass for one of the real authority.
store=/srv/monitoring/certificate/${DIRECTORY//[^A-Za-z0-9.-]/_}
live=$store/live/$DOMAIN
# The email address that the authority knows
email=$store/email

ends() { date +%s -d "$(openssl x509 -noout -enddate -in "$1" | cut -d = -f 2)"; }
status() {
  local left=0
  if [ -e $shown ]; then left=$(($(ends $shown) - $(date +%s))); fi
  echo "public_certificate left=$((left > 0 ? left : 0))i"
}
serve() {
  local pem=/etc/haproxy/grafana.pem chain=$live/fullchain.pem key=$live/privkey.pem
  umask 077
  # The boot script and the service may both run this.
  exec 8>$pem.lock
  flock 8
  if [ -e "$chain" ] && openssl x509 -noout -checkend 0 -in "$chain" >/dev/null; then
    install -C -m 644 "$chain" $shown
  else
    rm -f $shown
    chain=/etc/monitoring/server.pem key=/etc/grafana/server-key
  fi
  cat "$chain" "$key" >$pem.new
  if cmp -s $pem.new $pem; then
    rm $pem.new
  else
    mv $pem.new $pem
    systemctl try-reload-or-restart haproxy
  fi
}
acme() {
  local trusted=/etc/ssl/certs/ca-certificates.crt contact=(--register-unsafely-without-email) folder=$RUNTIME_DIRECTORY
  if [ -e /etc/monitoring/acme-ca.pem ]; then
    cat $trusted /etc/monitoring/acme-ca.pem >"$folder/trusted.pem"
    trusted=$folder/trusted.pem
  fi
  if [ -n "$EMAIL" ]; then contact=(--email "$EMAIL" --no-eff-email); fi
  # requests and botocore both read the variable (botocore/endpoint.py, _get_verify_value).
  REQUESTS_CA_BUNDLE=$trusted AWS_DEFAULT_REGION=$REGION certbot "$@" --non-interactive --agree-tos "${contact[@]}" \
    --server "$DIRECTORY" --config-dir "$store" --work-dir "$folder" --logs-dir "$folder" &>"$folder/said"
}
get() {
  acme certonly --dns-route53 --key-type ecdsa --keep-until-expiring --cert-name "$DOMAIN" -d "$DOMAIN"
}
# An existing account keeps its address, or none, whatever is passed along with a certificate request (certbot's main.py,
# _determine_account).
write_to() {
  if [ -e "$email" ] && [ "$(cat "$email")" = "$EMAIL" ]; then return; fi
  acme update_account && printf %s "$EMAIL" >"$email"
}
# Why certbot failed: what the authority found, otherwise certbot's last lines
reason() {
  local said=$RUNTIME_DIRECTORY/said
  { grep Detail: "$said" || grep -vE '^(Saving|Ask for help|$)' "$said" | tail -n 2; } | paste -sd ' ' | cut -c -500
}

case ${1-} in
  status) status ;;
  serve) serve ;;
  *)
    # shellcheck source=/dev/null
    . /etc/monitoring/boot.conf
    got=0
    get || got=$?
    serve
    if [ $got != 0 ]; then
      echo "monitoring: no public certificate for $DOMAIN; it will be tried again: $(reason)"
      exit 1
    fi
    echo "monitoring: the public certificate of $DOMAIN is valid until $(date -u +%F -d "@$(ends $shown)")"
    if ! write_to; then
      echo "monitoring: the certificate authority does not have the email address in the settings; it will be tried again: $(reason)"
      exit 1
    fi
    ;;
esac
