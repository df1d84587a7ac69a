# shellcheck shell=bash disable=SC2034,SC2086,SC2154
# Part of the boot script (boot.sh), which reads it from the parameter store; grafana.sh sources it: the variables are the
# boot script's, and its folders' names have no blanks.
# With `publicCertificate`: people reach Grafana at https://DOMAIN, with a certificate that their browsers trust. HAProxy
# has it, not Grafana: whatever happens to it, port 3000 keeps the stack's own certificate, which Pulumi and this script
# trust. Until there is a public one, HAProxy shows the stack's own, too.

if [ -n "${ACME_DIRECTORY-}" ]; then
  say "starting https://$PUBLIC_NAME"
  # The package's own timer would renew certificates in /etc/letsencrypt, which has none.
  systemctl mask -q certbot.timer
  https=(certbot haproxy python3-certbot-dns-route53)
  if [ "$(dpkg-query -W -f '${db:Status-Status} ' "${https[@]}" 2>$work/why || true)" != "installed installed installed " ]; then
    apt update
    apt install -y "${https[@]}"
  fi
  if given acme-ca-certificate; then
    value acme-ca-certificate | put 644 root $here/acme-ca.pem monitoring-certificate
  else
    rm -f $here/acme-ca.pem
  fi
  printf '%s=%q\n' DOMAIN "$PUBLIC_NAME" DIRECTORY "$ACME_DIRECTORY" EMAIL "$ACME_EMAIL" |
    put 644 root $here/acme.conf monitoring-certificate
  value public-certificate | put 755 root $here/public-certificate monitoring-certificate
  for unit in monitoring-certificate.service monitoring-certificate.timer; do
    value $unit | put 644 root /etc/systemd/system/$unit monitoring-certificate.timer
  done
  # On the data volume, so that a replaced server needs no new one: authorities issue few certificates per name.
  install -d -m 700 $data/certificate
  value ca-certificate | put 644 root /etc/haproxy/ca.pem haproxy
  value haproxy.cfg | put 644 root /etc/haproxy/monitoring.cfg haproxy
  mkdir -p /etc/systemd/system/haproxy.service.d
  value haproxy.conf | put 644 root /etc/systemd/system/haproxy.service.d/monitoring.conf haproxy
  $here/public-certificate serve
  settle haproxy
  settle monitoring-certificate.timer
  # The boot does not wait for it, because the authority may be unreachable.
  if [ -e $run/restart-monitoring-certificate ]; then
    systemctl restart --no-block monitoring-certificate
    rm $run/restart-monitoring-certificate
  fi
elif [ -e /etc/haproxy/monitoring.cfg ]; then
  systemctl disable -q --now monitoring-certificate.timer haproxy
  systemctl stop monitoring-certificate
  rm -f /etc/haproxy/monitoring.cfg /etc/haproxy/grafana.pem $here/public.pem $here/acme.conf
fi
