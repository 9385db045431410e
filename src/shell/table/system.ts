import type { CommandDocument } from '../../model/commands.ts'

const STATE: CommandDocument = { effects: ['execute'], otherOptions: 'harmless' }
const LOOK: CommandDocument = { effects: ['read'], otherOptions: 'harmless' }
const STRICT: CommandDocument = {
  effects: ['read'],
  options: { '--no-pager --no-legend -a --all -l --full --installed --upgradable --upgradeable --names-only': 'flag' },
}
const FIX: CommandDocument = {
  effects: ['define'],
  otherOptions: 'harmless',
  options: { '--modprobe -M --config -C --dirname -d --set-version -S --root -r': 'unknown' },
}

/** The machine: what runs, who is here, services, packages, accounts. */
export const SYSTEM: Readonly<Record<string, CommandDocument>> = {
  'top pgrep pidof free vmstat iostat mpstat lscpu lsusb lspci lsmod nproc uname arch hostid id groups whoami w tty locale cal getconf logname printenv':
    { ...LOOK, options: { '-i -p -F --pidfile': 'read' } },
  'who users uptime last lastb lastlog': { ...LOOK, options: { '-f --file': 'read' }, operands: 'read' },
  pstree: { effects: ['read'], options: { '-a -A -c -g -h -l -n -p -s -S -t -T -u -U -Z': 'flag' } },
  arp: { effects: ['define'], options: { '-n -a -e -v': 'flag' }, bare: ['read'] },
  openssl: {
    effects: [],
    subcommands: {
      version: { effects: ['read'], options: { '-a -v -b -o -f -p -d': 'flag' } },
      x509: {
        effects: ['read'],
        options: {
          '-in': 'read',
          '-inform -checkend -ext -nameopt': 'text',
          '-noout -text -dates -startdate -enddate -subject -issuer -serial -fingerprint -purpose -sha256 -ocsp_uri -email':
            'flag',
        },
      },
    },
  },
  history: { effects: ['session'] },
  lsof: { effects: ['read'], otherOptions: 'harmless', options: { '-D': 'unknown' } },
  hostname: { effects: ['define'], options: { '-f -i -I -s -d -A --fqdn --short': 'flag' }, bare: ['read'] },
  dmesg: {
    effects: ['read'],
    otherOptions: 'harmless',
    options: {
      '-c -C -D -E -n --clear --read-clear --console-level --console-off --console-on': 'unknown',
      '-F --file': 'read',
    },
  },
  journalctl: {
    effects: ['read'],
    otherOptions: 'harmless',
    options: {
      '--vacuum-size --vacuum-time --vacuum-files': { takes: 'text', effects: ['delete'] },
      '--rotate --flush --sync --relinquish-var --smart-relinquish-var --setup-keys --update-catalog': {
        effects: ['write'],
      },
      '-u --unit -n --lines --since --until -p --priority -o --output -t -g --grep -S -U': 'text',
      '-D --directory --file --root --image --cursor-file': 'unknown',
    },
  },
  'kill pkill killall skill renice': STATE,
  'reboot shutdown halt poweroff init telinit': { effects: ['execute', 'delete'], otherOptions: 'harmless' },
  'useradd userdel usermod groupadd groupdel groupmod adduser deluser passwd chpasswd chage gpasswd visudo vipw chsh chfn newusers':
    {
      effects: ['grant', 'define'],
      otherOptions: 'harmless',
    },
  'apt apt-get yum dnf apk zypper pacman': {
    effects: [],
    otherOptions: 'unknown',
    options: { '-y -q -qq --yes --quiet --no-install-recommends --assume-yes': 'flag' },
    subcommands: {
      'list show search info policy depends rdepends': STRICT,
      'update check-update makecache': { effects: ['write', 'import', 'connect'], options: { '-y -q --yes': 'flag' } },
      'install upgrade dist-upgrade full-upgrade reinstall add': {
        effects: ['define', 'execute', 'import', 'connect'],
        options: { '-y -q --yes --no-install-recommends': 'flag' },
      },
      'remove purge autoremove erase del clean autoclean': {
        effects: ['define', 'delete', 'execute'],
        options: { '-y -q --yes --purge': 'flag' },
      },
    },
  },
  'apt-cache': { effects: [], subcommands: { 'show showpkg search policy depends rdepends pkgnames stats': STRICT } },
  'dpkg-query': { ...LOOK, options: { '--admindir --root --instdir --load-avail': 'unknown' } },
  dpkg: {
    effects: ['read'],
    options: { '-l -L -s -S -p --list --listfiles --status --search --get-selections --print-architecture': 'flag' },
  },
  rpm: { effects: ['read'], options: { '-q -a -i -l -f -qa -qi -ql -qf --query --queryformat': 'flag' } },
  systemctl: {
    effects: [],
    options: {
      '--no-pager -q --quiet --user --system -a --all --no-legend --plain -l --full --failed': 'flag',
      '-n --lines -o --output -t --type --state -p --property': 'text',
    },
    bare: ['read'],
    subcommands: {
      'status show cat list-units list-unit-files list-timers list-sockets list-jobs list-dependencies is-active is-enabled is-failed is-system-running get-default help':
        {
          effects: ['read'],
          options: {
            '--no-pager -a --all -l --full --no-legend --plain -q --quiet --value': 'flag',
            '-n --lines -o --output -t --type --state -p --property': 'text',
          },
        },
      'show-environment': { effects: ['read'], reads: ['/proc/*/environ'] },
      'start stop restart reload try-restart reload-or-restart kill isolate reset-failed': {
        effects: ['execute'],
        options: { '--no-block -q --quiet --no-pager': 'flag', '-s --signal': 'text' },
      },
      'enable disable mask unmask link revert preset set-default daemon-reload daemon-reexec add-wants add-requires set-property':
        {
          effects: ['define', 'execute'],
          options: { '--now -q --quiet --runtime': 'flag' },
        },
      'poweroff reboot halt kexec suspend hibernate rescue emergency': { effects: ['execute', 'delete'] },
    },
  },
  loginctl: {
    effects: [],
    subcommands: { 'list-sessions list-users session-status user-status show-session': STRICT },
  },
  timedatectl: { effects: [], bare: ['read'], subcommands: { 'status show list-timezones timesync-status': STRICT } },
  hostnamectl: { effects: [], bare: ['read'], subcommands: { status: STRICT } },
  'modprobe insmod rmmod depmod ldconfig update-alternatives update-rc.d chkconfig ip6tables iptables nft ufw firewall-cmd setenforce':
    FIX,
}
