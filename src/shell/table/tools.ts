import type { CommandDocument } from '../../model/commands.ts'

/** What lets a client of a cluster run a program of the caller's choice, speak elsewhere, or as somebody else. */
const FAR = {
  '--kubeconfig --token --as --as-group --server -s --raw --post-renderer --client-key': 'unknown',
} as const
const LOOK: CommandDocument = { effects: ['read'], otherOptions: 'harmless' }
const ASK: CommandDocument = { effects: ['read', 'connect'], otherOptions: 'harmless', options: FAR }
const CHANGE: CommandDocument = { effects: ['write', 'connect'], otherOptions: 'harmless', options: FAR }
const REMOVE: CommandDocument = { effects: ['delete', 'connect'], otherOptions: 'harmless', options: FAR }

const KUBECTL: CommandDocument = {
  options: {
    '-n --namespace --context --cluster --user --request-timeout -v --v --as --as-group -s --server': 'text',
    '--kubeconfig --token --client-key --client-certificate --certificate-authority --cache-dir': 'unknown',
  },
  subcommands: {
    // Runs without a person where a policy says so: every option is one of these.
    'get describe top version api-resources api-versions explain cluster-info events diff wait': {
      effects: ['read', 'connect'],
      options: {
        '-A --all-namespaces -w --watch --watch-only --follow -p --previous --no-headers --show-labels --show-kind --show-managed-fields --all-containers --prefix --timestamps --ignore-not-found --recursive --client --containers --show-events --use-protocol-buffers --sum':
          'flag',
        '-n --namespace -l --selector -o --output -c --container --tail --since --since-time --context --field-selector --sort-by --limit-bytes --chunk-size --request-timeout --for --timeout --subresource -L --label-columns --types --max-log-requests --pod-running-timeout':
          'text',
        '-f --filename -k --kustomize': 'read',
      },
    },
    logs: {
      effects: ['read', 'connect'],
      options: {
        '-A --all-namespaces -w --watch --watch-only -f --follow -p --previous --no-headers --show-labels --show-kind --show-managed-fields --all-containers --prefix --timestamps --ignore-not-found --recursive --client --containers --show-events --use-protocol-buffers --sum':
          'flag',
        '-n --namespace -l --selector -o --output -c --container --tail --since --since-time --context --field-selector --sort-by --limit-bytes --chunk-size --request-timeout --for --timeout --subresource -L --label-columns --types --max-log-requests --pod-running-timeout':
          'text',
        '--filename -k --kustomize': 'read',
      },
    },
    'apply create patch replace label annotate scale autoscale set expose taint cordon uncordon': {
      ...CHANGE,
      options: {
        '-f --filename -k --kustomize': 'read',
        '-n --namespace -l --selector -o --output -p --patch --replicas --context': 'text',
        '--prune --force': { effects: ['delete'] },
        ...FAR,
      },
    },
    rollout: {
      subcommands: { 'status history': ASK, 'restart undo pause resume': CHANGE },
    },
    'delete drain': {
      ...REMOVE,
      options: {
        '-f --filename -k --kustomize': 'read',
        '-n --namespace -l --selector --context': 'text',
        ...FAR,
      },
    },
    auth: {
      subcommands: { 'can-i whoami': ASK, reconcile: { effects: ['grant', 'connect'], otherOptions: 'harmless' } },
    },
    certificate: { subcommands: { 'approve deny': { effects: ['grant', 'connect'], otherOptions: 'harmless' } } },
    config: {
      subcommands: {
        view: { ...LOOK, options: { '--raw --flatten --kubeconfig': 'unknown' } },
        'current-context get-contexts get-clusters get-users': LOOK,
      },
    },
    'port-forward proxy': { effects: ['connect', 'export', 'import'], otherOptions: 'harmless' },
    cp: { effects: ['connect', 'export', 'import', 'read', 'write'], otherOptions: 'harmless' },
    exec: {
      effects: ['connect', 'execute'],
      options: { '-i -t -it -ti -q --stdin --tty --quiet': 'flag', '-c --container -n --namespace': 'text' },
      operands: ['text', 'command'],
    },
  },
}

/** What a container was given to know. */
const SHOWS_VARIABLES: CommandDocument = { ...LOOK, reads: ['/proc/*/environ'] }
const PRUNE: CommandDocument = { effects: ['delete'], otherOptions: 'harmless' }
const DOCKER: CommandDocument = {
  subcommands: {
    'ps images logs version info stats port diff history events': LOOK,
    // Behind the container stand words of ps.
    top: { effects: ['read'], operands: ['text', 'index'] },
    inspect: SHOWS_VARIABLES,
    search: ASK,
    'rm rmi': PRUNE,
    'container image volume network system builder': {
      subcommands: {
        'ls list ps df logs stats history info': LOOK,
        inspect: SHOWS_VARIABLES,
        'rm remove prune': PRUNE,
      },
    },
    'stop start restart kill pause unpause rename tag wait update': { effects: ['execute'], otherOptions: 'harmless' },
    pull: { effects: ['connect', 'import', 'write'], otherOptions: 'harmless' },
    push: { effects: ['connect', 'export'], otherOptions: 'harmless' },
    cp: { effects: ['read', 'write'], otherOptions: 'harmless' },
    exec: {
      effects: ['execute'],
      options: { '-i -t -it -ti -d --interactive --tty --detach': 'flag', '-w --workdir': 'text', '-u --user': 'user' },
      operands: ['text', 'command'],
    },
    compose: {
      options: { '-f --file': 'read', '-p --project-name': 'text' },
      subcommands: {
        'ps logs top images ls version port events': LOOK,
        'stop start restart kill pause unpause': { effects: ['execute'], otherOptions: 'harmless' },
        'down rm': { effects: ['execute', 'delete'], otherOptions: 'harmless' },
      },
    },
  },
}

/** The state holds every value in the clear. */
const STATE: CommandDocument = { ...LOOK, reads: ['terraform.tfstate'] }
const TERRAFORM: CommandDocument = {
  options: { '-chdir': 'unknown' },
  subcommands: {
    version: LOOK,
    'show output': STATE,
    'validate graph': { effects: ['read', 'execute'], otherOptions: 'harmless' },
    fmt: { effects: ['read', 'write'], otherOptions: 'harmless' },
    plan: {
      effects: ['read', 'execute', 'connect'],
      otherOptions: 'harmless',
      options: { '-out --out': 'write', '-var -var-file -target -refresh -destroy': 'maybe' },
    },
    'apply refresh import': {
      effects: ['read', 'write', 'define', 'execute', 'connect'],
      otherOptions: 'harmless',
      options: {
        '-destroy --destroy': { effects: ['delete'] },
        '-replace --replace': { takes: 'maybe', effects: ['delete'] },
      },
    },
    destroy: { effects: ['read', 'write', 'delete', 'define', 'execute', 'connect'], otherOptions: 'harmless' },
    init: { effects: ['read', 'write', 'execute', 'connect', 'import'], otherOptions: 'harmless' },
    state: { subcommands: { list: LOOK, 'show pull': STATE, 'mv push replace-provider': CHANGE, rm: REMOVE } },
    workspace: { subcommands: { 'list show': LOOK, 'new select': CHANGE, delete: REMOVE } },
    'taint untaint': CHANGE,
  },
}

const HELM: CommandDocument = {
  options: { '-n --namespace --kube-context': 'text', '--kubeconfig --post-renderer': 'unknown' },
  subcommands: {
    'list ls status get history version search show': ASK,
    'install upgrade rollback': {
      effects: ['write', 'define', 'connect'],
      options: {
        '-f --values': 'read',
        '-n --namespace --set --version --timeout': 'text',
        '--install --wait --atomic --dry-run --create-namespace': 'flag',
      },
    },
    'uninstall delete': REMOVE,
  },
}

/** Containers, clusters, infrastructure. */
export const TOOLS: Readonly<Record<string, CommandDocument>> = {
  kubectl: KUBECTL,
  'docker podman': DOCKER,
  'terraform tofu': TERRAFORM,
  helm: HELM,
}
