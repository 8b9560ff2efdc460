// tsoci-VERSION-TARGET.oci: an image whose container installs tsoci on the node that it runs on, as a directory of the
// OCI image specification (image-layout.md). It contains tsoci, busybox and packaging/image/install.sh.

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseElf } from '../../src/diagnosis/elf.ts';
import type { Target } from '../executable/target.ts';
import { root } from '../repository.ts';
import { sha256 } from './checksums.ts';
import { contents, type InstalledFile } from './contents.ts';
import { layOut, MissingTool, type Release } from './release.ts';
import { compressFile, pack } from './tar.ts';

/** Where install.sh finds tsoci. */
const SOURCE = 'opt/tsoci';
const ARCHITECTURES = { x64: { oci: 'amd64', machine: 62 }, arm64: { oci: 'arm64', machine: 183 } } as const;
const MEDIA = 'application/vnd.oci.image';

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
}

export async function makeImage(release: Release): Promise<string> {
  const { version, targetName, epoch, output, work, target } = release;
  const name = `tsoci-${version}-${targetName}.oci`;
  const layout = join(work, name);
  const blobs = join(layout, 'blobs', 'sha256');
  mkdirSync(blobs, { recursive: true });

  layOut(join(work, 'root'), await filesOfImage(release));
  const tar = join(work, 'layer.tar');
  pack(join(work, 'root'), '.', tar, epoch);
  const diffId = `sha256:${sha256(readFileSync(tar))}`;
  compressFile(tar, epoch);
  const layer = addBlob(blobs, `${MEDIA}.layer.v1.tar+gzip`, readFileSync(`${tar}.gz`));

  const created = new Date(epoch * 1000).toISOString();
  const platform = { architecture: ARCHITECTURES[target.cpu].oci, os: 'linux' };
  const labels = {
    'org.opencontainers.image.title': 'tsoci',
    'org.opencontainers.image.version': version,
    'org.opencontainers.image.licenses': 'Apache-2.0',
    'org.opencontainers.image.created': created,
  };
  const config = addJson(blobs, `${MEDIA}.config.v1+json`, {
    created,
    ...platform,
    config: { Entrypoint: ['/install.sh'], Env: ['PATH=/bin'], WorkingDir: '/', Labels: labels },
    rootfs: { type: 'layers', diff_ids: [diffId] },
    history: [{ created, created_by: 'npm run package -- --image' }],
  });
  const manifest = addJson(blobs, `${MEDIA}.manifest.v1+json`, {
    schemaVersion: 2,
    mediaType: `${MEDIA}.manifest.v1+json`,
    config,
    layers: [layer],
    annotations: labels,
  });
  const reference = { 'org.opencontainers.image.ref.name': version };
  const index = {
    schemaVersion: 2,
    mediaType: `${MEDIA}.index.v1+json`,
    manifests: [{ ...manifest, platform, annotations: reference }],
  };
  writeFileSync(join(layout, 'index.json'), `${JSON.stringify(index)}\n`);
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}\n');
  rmSync(join(output, name), { recursive: true, force: true });
  renameSync(layout, join(output, name));
  return name;
}

async function filesOfImage({ built, target }: Release): Promise<InstalledFile[]> {
  const busybox = readBusybox(target);
  const programs = (await contents(built, '/usr/local', target)).filter(({ path }) =>
    /^(bin|libexec)\/|\/copyright$/.test(path),
  );
  return [
    ...programs.map((file) => ({ ...file, path: `${SOURCE}/${file.path}` })),
    { path: 'bin/busybox', mode: 0o755, content: busybox },
    {
      path: 'usr/share/doc/busybox/copyright',
      mode: 0o644,
      content: `${versionOf(busybox)}\nLicense: GPL-2.0-only\n\n${readFileSync(join(root, 'packaging/licenses/GPL-2.0.txt'), 'utf8')}`,
    },
    {
      path: 'install.sh',
      mode: 0o755,
      content: readFileSync(join(root, 'packaging', 'image', 'install.sh')),
    },
  ];
}

/** $BUSYBOX, or this machine's: a static one for the target, since the image has no library. */
function readBusybox({ cpu }: Target): Buffer {
  const path = process.env.BUSYBOX ?? '/bin/busybox';
  const wanted = `the image wants a static busybox for ${cpu} (Debian: busybox-static), at /bin/busybox or in $BUSYBOX`;
  if (!existsSync(path)) throw new MissingTool(wanted);
  const file = readFileSync(path);
  const elf = parseElf((position, length) => file.subarray(position, position + length));
  if (elf?.machine !== ARCHITECTURES[cpu].machine || elf.interpreter !== undefined)
    throw new MissingTool(`${path} is another: ${wanted}`);
  return file;
}

function versionOf(busybox: Buffer): string {
  return busybox.toString('latin1').match(/BusyBox v[\x20-\x7e]*/)?.[0] ?? 'BusyBox';
}

function addJson(blobs: string, mediaType: string, content: object): Descriptor {
  return addBlob(blobs, mediaType, Buffer.from(JSON.stringify(content)));
}

function addBlob(blobs: string, mediaType: string, content: Buffer): Descriptor {
  const digest = sha256(content);
  writeFileSync(join(blobs, digest), content);
  return { mediaType, digest: `sha256:${digest}`, size: content.length };
}
