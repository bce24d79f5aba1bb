import { type Report, reportPage } from '@fewfire/report';
import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { checkWellFormed } from './markup.ts';

const evil = `</style></title><script>alert("x")</script><img src=x onerror='alert(1)'> & "quoted"`;

function report(text: string): Report {
  return {
    title: text,
    introduction: [text],
    sections: [
      {
        id: 'E1',
        title: text,
        statement: text,
        settings: { [text]: text, list: [1, 2, 1000], names: [text], flag: true },
        seed: 7,
        claims: [
          { statement: text, measured: text, verdict: 'holds', largestRatio: 0.98765 },
          { statement: 'second', measured: 'm', verdict: 'not consistent with' },
        ],
        figures: [
          {
            title: text,
            x: { label: text, scale: 'log' },
            y: { label: text, scale: 'log' },
            series: [
              {
                name: text,
                kind: 'estimate',
                points: [
                  { x: 1, y: 2, low: 1, high: 3 },
                  { x: 0, y: 1 },
                ],
              },
            ],
            seen: text,
          },
        ],
        notes: [text],
        command: text,
      },
    ],
    slips: [{ where: text, printed: text, meant: text, evidence: text }],
    facts: [[text, text]],
  };
}

describe('a report page', () => {
  it('has no script, no reference to elsewhere, and a policy that forbids both', () => {
    const page = reportPage(report(evil));
    checkWellFormed(page.replace(/<style>[\s\S]*?<\/style>/, '<style></style>'));
    const { document } = parseHTML(page);
    expect(document.querySelectorAll('script, img, iframe, object, embed, base, form')).toHaveLength(0);
    expect(document.querySelectorAll('style')).toHaveLength(1);
    for (const element of document.querySelectorAll('*')) {
      for (const { name, value } of element.attributes) {
        expect(name).not.toMatch(/^on/i);
        if (name === 'href' || name === 'src') expect(value).toMatch(/^#|^data:,$/);
      }
    }
    const policy = document.querySelector('meta[http-equiv="Content-Security-Policy"]')?.getAttribute('content');
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/script-src|https?:|\*|unsafe-eval/);
    // Before anything it is to govern.
    expect(page.indexOf('Content-Security-Policy')).toBeLessThan(page.indexOf('<style>'));
    expect(document.querySelector('style')?.textContent).not.toMatch(/@import|url\(/);
  });

  it('shows texts as they are', () => {
    const { document } = parseHTML(reportPage(report(evil)));
    expect(document.querySelector('h1')?.textContent).toBe(evil);
    expect(document.querySelector('figcaption')?.textContent).toContain(evil);
  });

  it('has every claim with its verdict, ratio, command and a link to a figure that is there', () => {
    const { document } = parseHTML(reportPage(report('plain')));
    const rows = [...document.querySelectorAll('.claims tbody tr')].map((row) => row.textContent.replace(/\s+/g, ' '));
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatch(/plain.*0\.988.*holds.*E1\.1.*plain/);
    expect(rows[1]).toContain('not consistent with');
    for (const link of document.querySelectorAll('a')) {
      expect(document.getElementById(link.getAttribute('href')!.slice(1))).not.toBeNull();
    }
    expect(document.querySelector('#slips')?.textContent).toContain('Slips found in the published text');
    expect(document.body.textContent).toMatch(/1 point has no place on these axes/);
    expect(document.body.textContent).toMatch(/1, 2, 1,000/);
  });

  it('of nothing is a page too', () => {
    const page = reportPage({ title: 't', introduction: [], sections: [], slips: [], facts: [] });
    checkWellFormed(page.replace(/<style>[\s\S]*?<\/style>/, '<style></style>'));
    expect(page).toContain('Nothing was measured');
  });
});
