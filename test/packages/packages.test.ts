// What packages say of what is in them, and what makes them the same bytes every time. conformance/packages installs them.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { files } from '../../scripts/executable/files.ts';
import { findTarget } from '../../scripts/executable/target.ts';
import { bunAndParts } from '../../scripts/packaging/bun.ts';
import { sha256, writeChecksums } from '../../scripts/packaging/checksums.ts';
import { copyrightText, licensesIn } from '../../scripts/packaging/copyright.ts';
import { layOut } from '../../scripts/packaging/release.ts';
import { sbom } from '../../scripts/packaging/sbom.ts';
import { compressFile, pack } from '../../scripts/packaging/tar.ts';

const EPOCH = 1_700_000_000;
const target = findTarget();
const { bun, parts } = bunAndParts(target);

const test = suite<{ directory: string }>('packages');
test.before.each((context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'packages-'));
});
test.after.each(({ directory }) => rmSync(directory, { recursive: true }));

test('the copyright file names each part of Bun, and has the text of each licence', () => {
  const whole = copyrightText(target, { common: false });
  const debian = copyrightText(target, { common: true });
  for (const { names, version, license, copyright } of [bun, ...parts]) {
    assert.ok(whole.includes(`${names.join(', ')}\n  Version: ${version}\n`), names[0]);
    assert.ok(whole.includes(copyright) && debian.includes(copyright), names[0]);
    for (const id of licensesIn(license))
      assert.match(whole, new RegExp(`^-{80}\\n${id}\\n\\s+\\S.{10}`, 'm'), id);
  }
  assert.match(whole, /GNU LIBRARY GENERAL PUBLIC LICENSE/);
  assert.not.match(debian, /GNU LIBRARY GENERAL PUBLIC LICENSE/);
  assert.match(debian, /LGPL-2\.0\n\nThe text is in \/usr\/share\/common-licenses\/LGPL-2\.$/m);
});

test('what only an executable for glibc contains is told of that alone', () => {
  const named = (name: string) =>
    copyrightText(findTarget(name), { common: true }).includes('libstdc++ and libgcc');
  assert.equal([named('linux-arm64'), named('linux-arm64-musl')], [true, false]);
});

test('the bill of materials names Bun, each of its parts, and the files with their digests', ({
  directory,
}) => {
  for (const name of files) writeFileSync(join(directory, name), name);
  const text = sbom(target, directory, EPOCH);
  assert.is(text, sbom(target, directory, EPOCH));
  const { bomFormat, metadata, components, dependencies } = JSON.parse(text);
  assert.is(bomFormat, 'CycloneDX');
  assert.is(metadata.timestamp, '2023-11-14T22:13:20.000Z');
  assert.is(metadata.component.name, 'tsoci');
  const digests = metadata.component.components.map(
    (file: { hashes: { content: string }[] }) => file.hashes[0],
  );
  assert.equal(
    digests,
    files.map((name) => ({ alg: 'SHA-256', content: sha256(name) })),
  );
  assert.is(components.length, 1);
  const [runtime] = components;
  assert.is(runtime.purl, `pkg:npm/%40oven/${target.name}@${bun.version}`);
  assert.match(runtime.hashes[0].content, /^[0-9a-f]{128}$/);
  const names = runtime.components.map(({ name }: { name: string }) => name);
  assert.equal(
    names,
    parts.flatMap((part) => part.names),
  );
  const references = [metadata.component, ...components, ...runtime.components].map(
    (part) => part['bom-ref'],
  );
  assert.is(new Set(references).size, references.length);
  for (const { ref, dependsOn } of dependencies)
    for (const each of [ref, ...dependsOn]) assert.ok(references.includes(each), each);
});

test('an archive is the same whenever, by whomever and in whatever order its files were written', ({
  directory,
}) => {
  const file = (path: string, mode: 0o644 | 0o755) => ({ path, mode, content: path });
  const all = [file('bin/tsoci', 0o755), file('share/page', 0o644)];
  const archives = ['one', 'two'].map((name, index) => {
    const home = join(directory, name);
    const umask = process.umask(index ? 0o077 : 0o002);
    mkdirSync(home);
    layOut(join(home, 'tsoci'), index ? all.toReversed() : all);
    process.umask(umask);
    utimesSync(join(home, 'tsoci', 'bin', 'tsoci'), index, index);
    pack(home, 'tsoci', join(home, 'archive.tar'), EPOCH);
    compressFile(join(home, 'archive.tar'), EPOCH);
    return readFileSync(join(home, 'archive.tar.gz'));
  });
  assert.is(sha256(archives[0] ?? ''), sha256(archives[1] ?? '-'));
});

test('SHA256SUMS has each package, and not itself', ({ directory }) => {
  mkdirSync(join(directory, 'image.oci'));
  writeFileSync(join(directory, 'b.deb'), 'b');
  writeFileSync(join(directory, 'a.rpm'), 'a');
  for (let time = 0; time < 2; time++) writeChecksums(directory);
  const text = `${sha256('a')}  a.rpm\n${sha256('b')}  b.deb\n`;
  assert.is(readFileSync(join(directory, 'SHA256SUMS'), 'utf8'), text);
});

test.run();
